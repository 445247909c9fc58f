"""PostgreSQL: the pool, and transactions behind a tenant's wall."""

from __future__ import annotations

import select
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal, LiteralString, TypeVar
from uuid import UUID

import orjson
import psycopg
from psycopg.abc import Params, PQGen
from psycopg.pq import Format, TransactionStatus
from psycopg.rows import dict_row
from psycopg.types.json import set_json_loads
from psycopg_pool import ConnectionPool, PoolTimeout

from vault_gateway.errors import GatewayError, unavailable

# Several times as fast as the one of Python, and every list reads JSON.
set_json_loads(orjson.loads)

T = TypeVar("T")
Row = dict[str, Any]
Connection = psycopg.Connection[Row]
# How a row is held until the transaction ends: so that nobody changes it, or for a change of one's own.
Lock = Literal["share", "update"] | None
LOCKING: Mapping[Lock, LiteralString] = {None: "", "share": "for share", "update": "for update"}

# A request waits no longer than this for a lock, a statement or a client that went silent in a transaction.
_SESSION = (
    "-c statement_timeout=5s -c lock_timeout=2s -c idle_in_transaction_session_timeout=15s -c timezone=UTC"
)

_FEW_ROWS = 100

# How long a request waits for a connection that others have.
_CONNECTION_WITHIN_S = 3.0
# A little longer than the server's own limit.
_ANSWERS_WITHIN_S = 7.0


class _BoundedConnection(psycopg.Connection[Row]):
    """Statements have a time limit in the server, which does not help when the server itself stands still or is
    gone without a word: then the connection is given up on our side.

    A new cursor finds out anew how each type is written and read, two fifths of what a small statement costs here. So
    one that nobody holds any more is used again."""

    answers_within_s = _ANSWERS_WITHIN_S
    _spare: psycopg.Cursor[Row] | None = None

    def execute(
        self,
        query: Any,
        params: Params | None = None,
        *,
        prepare: bool | None = None,
        binary: bool = False,
    ) -> psycopg.Cursor[Row]:
        # Two are this object and the call that counts.
        if self._spare is None or sys.getrefcount(self._spare) > 2:
            self._spare = self.cursor()
        self._spare.format = Format.BINARY if binary else Format.TEXT
        return self._spare.execute(query, params, prepare=prepare)

    def let_go(self) -> None:
        """Of a large result, which would else stay until the connection is used again."""
        if self._spare is not None and self._spare.rowcount > _FEW_ROWS:
            self._spare = None

    def wait(self, gen: PQGen[T], *arguments: Any, **named: Any) -> T:
        try:
            return super().wait(gen, *arguments, **{"timeout": self.answers_within_s, **named})
        except psycopg.OperationalError:
            # Not an error of the statement's own, which the server would have ended: its answer is still to come.
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.pgconn.finish()
            raise


class Database:
    """A pool of connections as the gateway's own, unprivileged role."""

    def __init__(self, conninfo: str, *, max_connections: int = 16) -> None:
        self._pool: ConnectionPool[_BoundedConnection] = ConnectionPool(
            conninfo,
            connection_class=_BoundedConnection,
            kwargs={"row_factory": dict_row, "autocommit": True, "options": _SESSION, "connect_timeout": 3},
            min_size=1,
            max_size=max_connections,
            timeout=_CONNECTION_WITHIN_S,
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
                conn.let_go()
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
