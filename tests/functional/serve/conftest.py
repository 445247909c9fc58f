"""The outside engines start once a run, prepared by the very scripts and commands an operator uses."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests import canaries
from tests.functional.keys.bao_server import VAULT_BINARY
from tests.functional.serve import outside

_OWN_PASSWORD, _OPERATORS_PASSWORD = "gateway's own", "operator's own"


@dataclass
class Outside:
    """`environment` is what a gateway needs; `operator` what its operator does, beside it."""

    folder: Path
    environment: Mapping[str, str]
    operator: Mapping[str, str]
    admin_dsn: str
    bao: outside.Server
    postgres: outside.Server


@pytest.fixture(scope="session")
def outside_engines() -> Iterator[Outside]:
    with engines_of_ones_own() as engines:
        yield engines


@contextmanager
def engines_of_ones_own() -> Iterator[Outside]:
    if outside.debian_postgres() is None or shutil.which("redis-server") is None:
        pytest.fail("needs Debian's postgresql and redis-server: tools/debian-packages.sh installs them")
    with ExitStack() as stack:
        # Not under pytest's folder, which is closed to the user postgres.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vault-gateway-tests-")))
        folder.chmod(0o711)
        # When all below are stopped.
        stack.callback(canaries.require_none_in, folder)
        rooms = {name: folder / name for name in ("postgres", "redis", "openbao", "operator", "gateway")}
        for room in rooms.values():
            room.mkdir()
        if VAULT_BINARY:
            bao = outside.start_vault(rooms["openbao"], VAULT_BINARY)
            # Where initialise.py finds what it would have written.
            shutil.copy(rooms["openbao"] / "vault.json", rooms["operator"] / "openbao.json")
        else:
            bao = outside.start_openbao(rooms["openbao"])
        stack.callback(bao.stop)
        redis = outside.start_redis(rooms["redis"])
        stack.callback(redis.stop)
        postgres = outside.start_postgres(rooms["postgres"])
        stack.callback(postgres.stop, signal.SIGINT)
        with psycopg.connect(postgres.address, autocommit=True) as conn:
            conn.execute("create database vault_gateway")
        admin = make_conninfo(postgres.address, dbname="vault_gateway")
        own = make_conninfo(admin, user="gateway", password=_OWN_PASSWORD)
        operator = make_conninfo(admin, user="operator", password=_OPERATORS_PASSWORD)
        settings = {
            "VAULT_GATEWAY_VAULT_ADDR": bao.address,
            "VAULT_GATEWAY_VAULT_CA": str(rooms["openbao"] / "trust" / "ca.pem"),
            "VAULT_GATEWAY_VAULT_BATCH_ITEMS": "4000",
            "VAULT_GATEWAY_DATABASE_URL": own,
            "VAULT_GATEWAY_REDIS_URL": redis.address,
        }
        operators = {**settings, "VAULT_GATEWAY_OPERATOR_DATABASE_URL": operator}
        initialise(
            rooms["operator"], rooms["gateway"], {**operators, "VAULT_GATEWAY_ADMIN_DATABASE_URL": admin}
        )
        yield Outside(
            folder,
            {**settings, "VAULT_GATEWAY_CONFIG": str(rooms["gateway"] / "gateway.toml")},
            {
                **operators,
                "VAULT_GATEWAY_CONFIG": str(rooms["operator"] / "operator.toml"),
            },
            admin,
            bao,
            postgres,
        )


def initialise(operator: Path, gateway: Path, environment: Mapping[str, str]) -> None:
    script = str(outside.ROOT / "deploy" / "initialise.py")
    done = subprocess.run(
        [sys.executable, script, str(operator), str(gateway)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
