"""SQL of what happened to a waybill, event by event."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from vault_gateway.database import Connection
from vault_gateway.waybills.states import State
from vault_gateway.waybills.waybill import Waybill


def insert_event(
    conn: Connection,
    tenant_id: UUID,
    event_id: UUID,
    waybill: Waybill,
    type_: str,
    at: datetime,
    now: datetime,
) -> None:
    conn.execute(
        """
        insert into waybill_event (tenant_id, id, waybill_id, type, state, at, recorded_at, courier, station,
                                   deliver_by)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (
            tenant_id,
            event_id,
            waybill.id,
            type_,
            waybill.state.value,
            at,
            now,
            waybill.courier,
            waybill.station,
            waybill.deliver_by,
        ),
    )


def after_event(conn: Connection, tenant_id: UUID, waybill: Waybill, event_id: UUID) -> Waybill:
    """The waybill as one of its events left it."""
    row = conn.execute(
        """
        select state, courier, station, deliver_by, recorded_at from waybill_event
        where tenant_id = %s and id = %s and waybill_id = %s
        """,
        (tenant_id, event_id, waybill.id),
    ).fetchone()
    if row is None:
        raise LookupError("a stored answer names an event that is not there")
    return replace(
        waybill,
        state=State(row["state"]),
        courier=row["courier"],
        station=row["station"],
        deliver_by=row["deliver_by"],
        updated_at=row["recorded_at"],
    )
