"""SQL of the audit room."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from vault_gateway.database import Connection, Row


def insert_event(
    conn: Connection,
    *,
    tenant_id: UUID,
    event_id: UUID,
    log: str,
    body: Mapping[str, Any],
    salt: bytes,
    commitment: bytes,
) -> None:
    conn.execute(
        """
        insert into audit_event (tenant_id, id, log, body, salt, commitment)
        values (%s, %s, %s, %s, %s, %s)
        """,
        (tenant_id, event_id, log, Jsonb(body), salt, commitment),
    )


def enter_scope(conn: Connection, *, log: str | None, tenant_id: UUID | None) -> None:
    """Opens the log to a reader until the transaction ends: one tenant, one platform's log, or all of it."""
    if tenant_id is not None:
        conn.execute("select set_config('app.audit_tenant', %s, true)", (str(tenant_id),))
    else:
        conn.execute("select set_config('app.audit_scope', %s, true)", ("*" if log is None else log,))


def find_events(
    conn: Connection,
    filters: Mapping[str, str],
    *,
    from_: str | None,
    to: str | None,
    before: UUID | None,
    limit: int,
) -> list[Row]:
    """Newest first. `filters` are names of the body and the value each must have. The id is a UUIDv7 made in
    the gateway, so a page ends at an id and the next one begins below it whatever is written meanwhile."""
    return conn.execute(
        """
        select id, body
        from audit_event
        where body @> %(filters)s
          and (%(actor)s::text is null or body ->> 'actor' = %(actor)s)
          and (%(waybill)s::text is null or (body ? 'waybill' and body ->> 'waybill' = %(waybill)s))
          and (%(token)s::text is null or (body ? 'token' and body ->> 'token' = %(token)s))
          and (%(order)s::text is null or (body ? 'order' and body ->> 'order' = %(order)s))
          and (%(from_)s::text is null or body ->> 'time' >= %(from_)s)
          and (%(to)s::text is null or body ->> 'time' < %(to)s)
          and (%(before)s::uuid is null or id < %(before)s)
        order by id desc
        limit %(limit)s
        """,
        {
            "filters": Jsonb(dict(filters)),
            "actor": filters.get("actor"),
            "waybill": filters.get("waybill"),
            "token": filters.get("token"),
            "order": filters.get("order"),
            "from_": from_,
            "to": to,
            "before": before,
            "limit": limit,
        },
    ).fetchall()


def get_event(conn: Connection, event_id: UUID) -> Row | None:
    return conn.execute(
        "select id, body, salt, commitment from audit_event where id = %s", (event_id,)
    ).fetchone()
