"""Who plays: the engines in a temporary folder, and everyone's client of the gateway."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from vault_gateway.client import Client
from vault_gateway.database import Connection
from vault_gateway.embedded.instance import Instance
from vault_gateway.embedded.up import running
from vault_gateway.identity import clients
from vault_gateway.keys import Operator, Vault
from vault_gateway.model import Role, utc_now
from vault_gateway.relay import plan
from vault_gateway.relay.store import pool
from vault_gateway.tokens.ids import parse_token

PLATFORM, SHOP = "douyin", "tea-house"
SWIFT, RIVAL = "swift-express", "rival-express"
LIN, WU, HE = "courier-lin", "courier-wu", "courier-he"
VOICE, RELAY_NUMBER = "voice", "+8617000000001"


@dataclass(frozen=True)
class Cast:
    """Each with a key of its own, over HTTP, as anyone would be."""

    platform: Client
    shop: Client
    swift: Client
    lin: Client
    wu: Client
    he: Client
    voice: Client
    auditor: Client
    database: Database


@dataclass(frozen=True)
class StoredValue:
    """A row of the token table, past every wall."""

    key_version: int
    ciphertext: bytes
    blind_index: bytes


@dataclass(frozen=True)
class Database:
    """The database as a thief of it would see it."""

    dsn: str

    def stored(self, token: str) -> StoredValue:
        parsed = parse_token(token)
        assert parsed is not None, "the gateway made it"
        with self._open() as conn:
            row = conn.execute(
                "select key_version, ciphertext, blind_index from token where id = %s", (parsed[1],)
            ).fetchone()
        assert row is not None, "the gateway stored it"
        return StoredValue(**row)

    def dump_line(self, token: str) -> str:
        """A token's line in a dump, as `pg_dump` writes it."""
        parsed = parse_token(token)
        assert parsed is not None, "the gateway made it"
        query = sql.SQL("copy (select * from token where id = {}) to stdout").format(sql.Literal(parsed[1]))
        with self._open() as conn, conn.cursor().copy(query) as rows:
            return b"".join(rows).decode().rstrip("\n").replace("\t", " ")

    def dump(self) -> str:
        """Every row of every table."""
        parts = []
        with self._open() as conn:
            names = conn.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
            for row in names:
                query = sql.SQL("copy (select * from {}) to stdout").format(sql.Identifier(row["tablename"]))
                with conn.cursor().copy(query) as rows:
                    parts.append(b"".join(rows).decode())
        return "".join(parts)

    @contextmanager
    def _open(self) -> Iterator[Connection]:
        with psycopg.connect(self.dsn, autocommit=True, row_factory=dict_row) as conn:
            yield conn


@contextmanager
def cast(folder: Path) -> Iterator[Cast]:
    """Starts everything in `folder` and stops it again."""
    with running(folder, port=_free_port()) as (instance, url), ExitStack() as leaving:
        keys = _add_clients(instance)

        def client(name: str) -> Client:
            return leaving.enter_context(Client(url, keys[name]))

        yield Cast(
            platform=client(PLATFORM).for_merchant(SHOP),
            shop=client(SHOP),
            swift=client(SWIFT),
            lin=client(LIN),
            wu=client(WU),
            he=client(HE),
            voice=client(VOICE),
            auditor=client("auditor"),
            database=Database(instance.endpoints.admin_dsn),
        )


def _add_clients(instance: Instance) -> dict[str, str]:
    """API keys by name, as `vault-gateway client add` gives them to an operator."""
    wanted = [
        clients.NewClient(PLATFORM, Role.PLATFORM, platform=PLATFORM),
        clients.NewClient(SHOP, Role.MERCHANT, platform=PLATFORM, merchant=SHOP),
        clients.NewClient(SWIFT, Role.CARRIER, carrier=SWIFT),
        clients.NewClient(LIN, Role.COURIER, carrier=SWIFT),
        clients.NewClient(WU, Role.COURIER, carrier=SWIFT),
        clients.NewClient(HE, Role.COURIER, carrier=RIVAL),
        clients.NewClient(VOICE, Role.TELECOM),
        clients.NewClient("auditor", Role.AUDITOR),
    ]
    settings = instance.settings()
    with (
        psycopg.connect(instance.endpoints.admin_dsn, autocommit=True, row_factory=dict_row) as conn,
        Vault(settings.vault_addr, operations=1) as vault,
    ):
        operator = Operator(vault, settings.identities["operator"])
        _lend_number(conn)
        return {
            new.name: clients.add(
                conn, new, utc_now(), create_keys=operator.create_platform, say=lambda _: None
            )
            for new in wanted
        }


def _lend_number(conn: Connection) -> None:
    """A number of the telecom's in the pool, as `vault-gateway relay pool add` puts it there."""
    pool.add_numbers(
        conn,
        [RELAY_NUMBER],
        telecom=f"key:{VOICE}",
        mode="extension",
        region=None,
        digits=plan.DIGITS,
        capacity=plan.capacity("extension"),
        now=utc_now(),
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
