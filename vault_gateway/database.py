"""PostgreSQL: the pool, transactions behind a tenant's wall, and numbered migrations."""

from __future__ import annotations

import hashlib
import select
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib import resources
from typing import Any, TypeVar
from uuid import UUID

import orjson
import psycopg
from psycopg import sql
from psycopg.abc import PQGen
from psycopg.rows import dict_row
from psycopg.types.json import set_json_loads
from psycopg_pool import ConnectionPool, PoolTimeout

from vault_gateway.errors import GatewayError, OperatingError, unavailable

# Several times as fast as the one of Python, and every list reads JSON.
set_json_loads(orjson.loads)

T = TypeVar("T")
Row = dict[str, Any]
Connection = psycopg.Connection[Row]

# A request waits no longer than this for a lock, a statement or a client that went silent in a transaction.
_SESSION = (
    "-c statement_timeout=5s -c lock_timeout=2s -c idle_in_transaction_session_timeout=15s -c timezone=UTC"
)

# A little longer than the server's own limit.
_ANSWERS_WITHIN_S = 7.0

# What logins are members of: the second may all that the first may, and the third is on top of the second.
_AUDIT, _APP, _REVEAL = ROLES = ("vault_gateway_audit", "vault_gateway_app", "vault_gateway_reveal")

OLDEST_SERVER = 150000
_MIGRATION_LOCK = 4711000


class MigrationError(OperatingError):
    """The schema in the database is not the one this program was built for."""


class _BoundedConnection(psycopg.Connection[Row]):
    """Statements have a time limit in the server, which does not help when the server itself stands still or is
    gone without a word: then the connection is given up on our side."""

    answers_within_s = _ANSWERS_WITHIN_S

    def wait(self, gen: PQGen[T], *arguments: Any, **named: Any) -> T:
        try:
            return super().wait(_until(time.monotonic() + self.answers_within_s, gen), *arguments, **named)
        except _NoAnswerError:
            self.pgconn.finish()
            raise psycopg.OperationalError("no answer") from None


class _NoAnswerError(Exception):
    pass


def _until(deadline: float, gen: PQGen[T]) -> PQGen[T]:
    """psycopg's protocol: it yields what it waits for, and is sent what is ready, nothing (0) ten times a second."""
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if not ready and time.monotonic() > deadline:
                raise _NoAnswerError
            wanted = gen.send(ready)
    except StopIteration as ended:
        result: T = ended.value
        return result


class Database:
    """A pool of connections as the gateway's own, unprivileged role."""

    def __init__(self, conninfo: str, *, max_connections: int = 16, wait_s: float = 3.0) -> None:
        self._pool: ConnectionPool[_BoundedConnection] = ConnectionPool(
            conninfo,
            connection_class=_BoundedConnection,
            kwargs={"row_factory": dict_row, "autocommit": True, "options": _SESSION, "connect_timeout": 3},
            min_size=1,
            max_size=max_connections,
            timeout=wait_s,
            open=False,
            check=self._require_open,
            # Then the next request tries at once; the pool itself would wait longer and longer.
            reconnect_timeout=2,
            name="gateway",
        )
        self.closed = threading.Event()

    def _require_open(self, conn: Connection) -> None:
        """Costs a system call, not a round trip: nothing is to be read from an idle connection but its end. Where
        one has ended the server was restarted, and the others have too."""
        poll = select.poll()
        poll.register(conn.fileno(), select.POLLIN)
        if not poll.poll(0):
            return
        try:
            ConnectionPool.check_connection(conn)
        except psycopg.Error:
            self._pool.drain()
            raise

    def open(self) -> None:
        self._pool.open(wait=False)

    def close(self) -> None:
        self.closed.set()
        self._pool.close()

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection in autocommit. Database errors leave as `GatewayError` without what the server said,
        for its messages quote values."""
        try:
            with self._pool.connection() as conn:
                yield conn
        except PoolTimeout:
            raise unavailable("database") from None
        except psycopg.Error as error:
            raise _answer(error) from None


def _answer(error: psycopg.Error) -> GatewayError:
    state = error.sqlstate or ""
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) or state[:2] in (
        "53",
        "57",
        "25",
        # Rolled back, so that another could go on.
        "40",
    ):
        return unavailable("database")
    return GatewayError("internal", 500, f"The database refused a statement (SQLSTATE {state}).")


@contextmanager
def patiently(conn: Connection, seconds: int) -> Iterator[None]:
    """A transaction whose statements may take so long: for chores that no request waits for."""
    bounded = conn if isinstance(conn, _BoundedConnection) else None
    try:
        with conn.transaction():
            conn.execute("select set_config('statement_timeout', %s, true)", (f"{seconds}s",))
            if bounded is not None:
                bounded.answers_within_s = seconds + 2.0
            yield
    finally:
        if bounded is not None:
            bounded.answers_within_s = _ANSWERS_WITHIN_S


def enter_tenant(conn: Connection, tenant_id: UUID) -> None:
    """Opens the row level wall for one tenant until the transaction ends."""
    conn.execute("select set_config('app.tenant', %s, true)", (str(tenant_id),))


def migrate(
    conninfo: str,
    now: datetime,
    *,
    app_login: tuple[str, str] | None = None,
    roles: Collection[str] = ROLES,
) -> list[str]:
    """Brings the schema up to date, each migration in a transaction of its own; returns the names applied.

    `conninfo` needs a role that may create tables and roles. `app_login` is the name and password of the
    gateway's own login, created or updated as a member of `roles` and of no others of `ROLES`.
    """
    applied = []
    with psycopg.connect(conninfo, autocommit=True, row_factory=dict_row, connect_timeout=10) as conn:
        if conn.info.server_version < OLDEST_SERVER:
            raise MigrationError("PostgreSQL 15 or later is needed")
        conn.execute("set lock_timeout = '5s'")
        conn.execute("set statement_timeout = '10min'")
        conn.execute("select pg_advisory_lock(%s)", (_MIGRATION_LOCK,))
        conn.execute(
            "create table if not exists schema_migration"
            " (name text primary key, digest bytea not null, applied_at timestamptz not null)"
        )
        known = {
            row["name"]: row["digest"] for row in conn.execute("select name, digest from schema_migration")
        }
        for name, text in migrations():
            if name in known:
                _require_same(name, text, known[name])
                continue
            with conn.transaction():
                conn.execute(text)
                conn.execute("insert into schema_migration values (%s, %s, %s)", (name, _digest(text), now))
            applied.append(name)
        conn.execute("grant select on schema_migration to vault_gateway_app")
        if app_login is not None:
            _ensure_login(conn, *app_login, roles)
    return applied


def migrations() -> list[tuple[str, str]]:
    """Name and text of each migration, in order."""
    folder = resources.files("vault_gateway") / "migrations"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    return [(file.name.removesuffix(".sql"), file.read_text(encoding="utf-8")) for file in files]


def require_current_schema(conn: Connection) -> None:
    """Raises MigrationError when the database lacks a migration or has another one of that name."""
    try:
        known = {
            row["name"]: row["digest"] for row in conn.execute("select name, digest from schema_migration")
        }
    except psycopg.errors.UndefinedTable:
        known = {}
    for name, text in migrations():
        if name not in known:
            raise MigrationError(f"the database lacks migration {name}: run `vault-gateway migrate`")
        _require_same(name, text, known[name])


def _require_same(name: str, text: str, digest: bytes) -> None:
    if digest != _digest(text):
        raise MigrationError(f"migration {name} in the database is not the one shipped with this version")


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def roles_of(duties: Collection[str]) -> tuple[str, ...]:
    """What the login of a node with these duties is a member of."""
    if set(duties) <= {"audit"}:
        return (_AUDIT,)
    return (_APP, _REVEAL) if "reveal" in duties else (_APP,)


def require_roles(conn: Connection, roles: Collection[str]) -> None:
    """Raises MigrationError where this login may not do what a node has to."""
    for role in roles:
        row = conn.execute("select pg_has_role(%s, 'usage') as may", (role,)).fetchone()
        if row is None or not row["may"]:
            raise MigrationError(
                f"the database login is no member of {role}: run `vault-gateway migrate --login` with the node's duties"
            )


def _ensure_login(conn: Connection, name: str, password: str, roles: Collection[str]) -> None:
    exists = conn.execute("select 1 from pg_roles where rolname = %s", (name,)).fetchone()
    # As a verifier: whatever the server logs of this statement, it is not the password.
    verifier = conn.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()
    statement = "alter role {} login password {}" if exists else "create role {} login password {}"
    conn.execute(sql.SQL(statement).format(sql.Identifier(name), sql.Literal(verifier)))
    for role in ROLES:
        membership = "grant {} to {}" if role in roles else "revoke {} from {}"
        conn.execute(sql.SQL(membership).format(sql.Identifier(role), sql.Identifier(name)))
