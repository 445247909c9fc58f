"""SQL of events as they are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString
from uuid import UUID

from psycopg import Cursor

from vault_gateway.database import Connection, Row

WEEKS_AHEAD = 8


@dataclass(frozen=True, slots=True)
class EventRow:
    """`body` is JSON."""

    event_id: UUID
    body: str
    salt: bytes
    commitment: bytes


# One event alone is a third cheaper without arrays.
_INSERT_ONE = """
    insert into audit_event (tenant_id, id, log, body, salt, commitment)
    values (%(event_tenant)b, %(event_id)b, %(event_log)b, %(event_body)b::jsonb, %(event_salt)b, %(event_commitment)b)
"""


def insert_events(conn: Connection, tenant_id: UUID, log: str, rows: Sequence[EventRow]) -> None:
    if len(rows) == 1:
        conn.execute(_INSERT_ONE, _of_event(tenant_id, log, rows[0]))
        return
    conn.execute(
        """
        insert into audit_event (tenant_id, id, log, body, salt, commitment)
        select %b, id, %b, body::jsonb, salt, commitment
        from unnest(%b::uuid[], %b::text[], %b::bytea[], %b::bytea[]) as e (id, body, salt, commitment)
        """,
        (
            tenant_id,
            log,
            [row.event_id for row in rows],
            [row.body for row in rows],
            [row.salt for row in rows],
            [row.commitment for row in rows],
        ),
        binary=True,
    )


@dataclass(frozen=True, slots=True)
class Recording:
    """Runs a statement that has no `with` of its own, and writes an event in the same round trip: both or neither."""

    conn: Connection
    tenant_id: UUID
    log: str
    row: EventRow

    def execute(self, query: LiteralString, params: Row) -> Cursor[Row]:
        recorded: LiteralString = f"with recorded as ({_INSERT_ONE}) {query}"
        return self.conn.execute(recorded, {**params, **_of_event(self.tenant_id, self.log, self.row)})


def _of_event(tenant_id: UUID, log: str, row: EventRow) -> Row:
    return {
        "event_tenant": tenant_id,
        "event_id": row.event_id,
        "event_log": log,
        "event_body": row.body,
        "event_salt": row.salt,
        "event_commitment": row.commitment,
    }


def keep_partitions_ahead(conn: Connection) -> None:
    """Makes the partitions of the weeks to come that are not there yet."""
    conn.execute("select ensure_audit_partitions(%s)", (WEEKS_AHEAD,))
