"""`vault-gateway courier` on a running instance."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys

from tests.world import World


def test_all_couriers_are_listed_however_many_there_are(world: World) -> None:
    stem = secrets.token_hex(4)
    carriers = [f"many-{stem}-{number}" for number in range(2)]
    handles = [f"rider-{number:04d}" for number in range(5_100)]
    with world.admin() as conn:
        conn.execute("insert into carrier select unnest(%s::text[]), %s", (carriers, world.clock()))
        conn.execute(
            """
            insert into courier (carrier, handle, created_at)
            select carrier, handle, %s from unnest(%s::text[]) as carrier, unnest(%s::text[]) as handle
            """,
            (world.clock(), carriers, handles),
        )
    command = [sys.executable, "-m", "vault_gateway", "courier", "list", "--json"]
    done = subprocess.run(
        [*command, "--data", str(world.instance.engines.data)], capture_output=True, text=True, check=True
    )
    listed = [
        (one["carrier"], one["handle"]) for one in json.loads(done.stdout) if one["carrier"] in carriers
    ]
    with world.admin() as conn:
        conn.execute("delete from courier where carrier = any(%s)", (carriers,))
    assert listed == [(carrier, handle) for carrier in carriers for handle in handles]


def test_who_cannot_go_on_is_named(world: World) -> None:
    command = [sys.executable, "-m", "vault_gateway", "courier", "resume", "nobody", "--carrier", "nowhere"]
    done = subprocess.run(
        [*command, "--data", str(world.instance.engines.data)], capture_output=True, text=True, check=False
    )
    told = "vault-gateway: there is no courier nobody of nowhere\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", told)
