"""What is in the way of a command that works with an installation."""

from __future__ import annotations

import os
import subprocess
import sys

from vault_gateway.embedded.processes import free_port


def test_a_database_that_does_not_answer_is_told_once() -> None:
    dsn = f"host=127.0.0.1 port={free_port()} user=nobody dbname=nothing"
    settings = {
        "DATABASE_URL": dsn,
        "OPERATOR_DATABASE_URL": dsn,
        "VAULT_ADDR": "http://127.0.0.1:1",
        "OPERATOR_ROLE_ID": "nobody",
        "OPERATOR_SECRET_ID": "nothing",
    }
    done = subprocess.run(
        [sys.executable, "-m", "vault_gateway", "client", "list"],
        env={**os.environ, **{f"VAULT_GATEWAY_{name}": value for name, value in settings.items()}},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("vault-gateway: the database cannot be used: ")
    assert "Connection refused" in done.stderr
    assert done.stderr.count("\n") == 1
