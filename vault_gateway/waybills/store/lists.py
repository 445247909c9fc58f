"""SQL of lists of waybills."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from vault_gateway.database import Connection
from vault_gateway.waybills.store.waybills import COLUMNS, waybill_of
from vault_gateway.waybills.waybill import Waybill


def list_of_tenant(
    conn: Connection,
    tenant_id: UUID,
    *,
    state: str | None,
    since: datetime | None,
    order: str | None,
    before: UUID | None,
    limit: int,
) -> list[Waybill]:
    rows = conn.execute(
        f"""
        select {COLUMNS} from waybill
        where tenant_id = %(tenant)s
          and (%(state)s::text is null or state = %(state)s)
          and (%(since)s::timestamptz is null or updated_at >= %(since)s)
          and (%(order)s::text is null or id = any(array(
            select id from waybill where tenant_id = %(tenant)s and order_ref = %(order)s
            union all
            select waybill_id from merged_order where tenant_id = %(tenant)s and order_ref = %(order)s)))
          and (%(before)s::uuid is null or id < %(before)s)
        order by id desc limit %(limit)s
        """,
        {
            "tenant": tenant_id,
            "state": state,
            "since": since,
            "order": order,
            "before": before,
            "limit": limit,
        },
        # Planned for what is asked each time: a plan for all questions would fit none.
        prepare=False,
    )
    return [waybill_of(row) for row in rows]


def find_of_carrier(
    conn: Connection,
    carrier: str,
    *,
    courier: str | None,
    station: str | None,
    state: str | None,
    since: datetime | None,
    before: UUID | None,
    limit: int,
) -> list[tuple[UUID, UUID]]:
    """Tenant and waybill ids of a carrier's parcels, newest first, over all tenants."""
    rows = conn.execute(
        "select tenant_id, id from parcels_of_carrier(%s, %s, %s, %s, %s, %s, %s)",
        (carrier, courier, station, state, since, before, limit),
    )
    return [(row["tenant_id"], row["id"]) for row in rows]


def find_at_counter(
    conn: Connection, carrier: str, station: str, last4: str, limit: int
) -> list[tuple[UUID, UUID]]:
    """Tenant and waybill ids of the parcels that wait at a station for a phone that ends so, newest first."""
    rows = conn.execute(
        "select tenant_id, id from parcels_at_counter(%s, %s, %s, %s)", (carrier, station, last4, limit)
    )
    return [(row["tenant_id"], row["id"]) for row in rows]
