"""`vault-gateway retention run` on a running instance."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from tests.world import World
from vault_gateway.settings.policies import default_policies


def run(world: World, *more: str, policies: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vault_gateway", "retention", "run", *more]
    where = ["--data", str(world.instance.engines.data)]
    environment = {**os.environ, "VAULT_GATEWAY_POLICIES": str(policies or default_policies())}
    return subprocess.run([*command, *where], env=environment, capture_output=True, text=True, check=False)


def calls_of(world: World, telecom: str, *days: int) -> None:
    with world.admin() as conn:
        for ago in days:
            conn.execute(
                """
                insert into relay_call (telecom, call_id, medium, tenant_id, binding_id, waybill_id, number, caller,
                                        phone_tenant, phone_token, routed_at)
                select %s, %s, 'voice', id, id, id, '+8617000000000', '', id, id, %s
                from (select %s::uuid as id) as one
                """,
                (telecom, f"{ago}-{uuid4()}", world.clock() - timedelta(days=ago), uuid4()),
            )


def test_it_removes_what_is_past_its_time_and_says_how_much(world: World) -> None:
    telecom = f"key:{secrets.token_hex(4)}"
    calls_of(world, telecom, 89)
    removed = 0
    # The gateway beside it may be the one that removes, when it tidies up.
    for _ in range(5):
        calls_of(world, telecom, 91)
        done = run(world, "--json")
        assert (done.returncode, done.stderr) == (0, "")
        told = json.loads(done.stdout)
        assert {room: set(kinds) for room, kinds in told.items()} == {
            "relay": {"calls", "bindings", "exhausted"},
            "flows": {"parcels", "pages", "books"},
        }
        if removed := told["relay"]["calls"]:
            break
    assert removed >= 1
    with world.admin() as conn:
        left = conn.execute("select call_id from relay_call where telecom = %s", (telecom,)).fetchall()
    assert [row["call_id"].split("-")[0] for row in left] == ["89"]
    shown = run(world)
    assert shown.returncode == 0
    assert "calls" in shown.stdout


def test_periods_that_make_no_sense_remove_nothing(world: World, tmp_path: Path) -> None:
    shutil.copytree(default_policies(), tmp_path / "policies")
    (tmp_path / "policies" / "retention.yaml").write_text("relay: {calls: 0}", encoding="utf-8")
    done = run(world, policies=tmp_path / "policies")
    assert (done.returncode, done.stdout) == (1, "")
    assert "retention.yaml" in done.stderr
