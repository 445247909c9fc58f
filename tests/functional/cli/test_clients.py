"""`vault-gateway client` on a running instance."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from subprocess import CompletedProcess

import pytest

from tests.world import World, unique

Run = Callable[..., CompletedProcess[str]]


@pytest.fixture(scope="module")
def run(world: World) -> Run:
    def call(*arguments: str, data: bool = True) -> CompletedProcess[str]:
        where = ["--data", str(world.instance.engines.data)] if data else []
        environment = {k: v for k, v in os.environ.items() if not k.startswith("VAULT_GATEWAY_")}
        return subprocess.run(
            [sys.executable, "-m", "vault_gateway", "client", *arguments, *where],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )

    return call


def test_a_client_is_added_listed_and_revoked(run: Run, world: World) -> None:
    name, platform = unique("shop"), unique("p")
    added = run("add", name, "--role", "merchant", "--platform", platform, "--merchant", "tea")
    assert added.returncode == 0, added.stderr
    # The key alone on stdout, so that `key=$(vault-gateway client add ...)` works.
    assert added.stdout.startswith("vg_")
    assert added.stdout.count("\n") == 1
    assert f"registered platform {platform}" in added.stderr
    assert f"registered merchant tea of {platform}" in added.stderr

    listed = {row["name"]: row for row in json.loads(run("list", "--json").stdout)}
    assert listed[name]["merchant"] == "tea"
    created = datetime.fromisoformat(listed[name]["created_at"])
    assert listed[name]["created_at"].endswith("Z")
    assert abs(created - datetime.now(UTC)) < timedelta(minutes=5)
    assert added.stdout.strip() not in run("list", "--json").stdout

    assert run("revoke", name).returncode == 0
    line = next(line for line in run("list").stdout.splitlines() if line.startswith(f"{name} "))
    assert f"added {created:%Y-%m-%d %H:%M}Z" in line
    assert "revoked 20" in line


def test_what_cannot_be_done_is_one_line_and_exit_1(run: Run) -> None:
    for arguments, told in [
        (("revoke", unique("nobody")), "there is no active client"),
        (("add", unique("m"), "--role", "merchant"), "needs --merchant --platform"),
        (("add", unique("r"), "--role", "responder"), "by JWT only"),
    ]:
        result = run(*arguments)
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr.startswith("vault-gateway: ")
        assert told in result.stderr
        assert result.stderr.count("\n") == 1


def test_wrong_usage_exits_2(run: Run) -> None:
    assert run("add", "someone").returncode == 2
    assert run("add", "someone", "--role", "king").returncode == 2


def test_without_settings_it_says_what_is_missing(run: Run) -> None:
    result = run("list", data=False)
    assert (result.returncode, result.stdout) == (1, "")
    missing = "VAULT_GATEWAY_DATABASE_URL is not set (for an embedded instance give --data)"
    assert result.stderr == f"vault-gateway: {missing}\n"
