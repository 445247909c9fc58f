"""SQL of one tenant's waybills."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from vault_gateway.database import LOCKING, Connection, Lock, Row
from vault_gateway.waybills.states import State
from vault_gateway.waybills.store.orders import (
    further_orders,
    insert_further_orders,
    orders_of,
    remove_merged_recipients,
)
from vault_gateway.waybills.waybill import Party, Waybill

COLUMNS = f"""
    id, waybill_no, network, carrier, order_ref, state, recipient_name, recipient_phone, recipient_address,
    sender_name, sender_phone, sender_address, courier, station, deliver_by, receipt_code, created_at, updated_at,
    routing_code, {further_orders("waybill", "id")}
"""


def insert_waybills(conn: Connection, tenant_id: UUID, waybills: Sequence[Waybill]) -> None:
    """New ones, whom no carrier has seen: one statement for any number of them, sent in binary, and another where
    orders were merged."""
    senders = [waybill.sender for waybill in waybills]
    conn.execute(
        """
        insert into waybill (tenant_id, state, id, waybill_no, network, carrier, order_ref,
                             recipient_name, recipient_phone, recipient_address,
                             sender_name, sender_phone, sender_address,
                             receipt_code, routing_code, created_at, updated_at)
        select %b, %b, w.*, w.created_at
        from unnest(%b::uuid[], %b::text[], %b::text[], %b::text[], %b::text[],
                    %b::uuid[], %b::uuid[], %b::uuid[], %b::uuid[], %b::uuid[], %b::uuid[],
                    %b::text[], %b::text[], %b::timestamptz[])
          as w (id, waybill_no, network, carrier, order_ref, recipient_name, recipient_phone, recipient_address,
                sender_name, sender_phone, sender_address, receipt_code, routing_code, created_at)
        """,
        (
            tenant_id,
            State.CREATED.value,
            [waybill.id for waybill in waybills],
            [waybill.waybill_no for waybill in waybills],
            [waybill.network for waybill in waybills],
            [waybill.carrier for waybill in waybills],
            [next(iter(waybill.orders), None) for waybill in waybills],
            [waybill.recipient.name for waybill in waybills],
            [waybill.recipient.phone for waybill in waybills],
            [waybill.recipient.address for waybill in waybills],
            [sender and sender.name for sender in senders],
            [sender and sender.phone for sender in senders],
            [sender and sender.address for sender in senders],
            [waybill.receipt_code for waybill in waybills],
            [waybill.routing_code for waybill in waybills],
            [waybill.created_at for waybill in waybills],
        ),
        binary=True,
    )
    insert_further_orders(conn, tenant_id, waybills)


def get_waybill(conn: Connection, tenant_id: UUID, waybill_id: UUID, *, lock: Lock = None) -> Waybill:
    """One that the directory names."""
    found = find_waybill(conn, tenant_id, waybill_id, lock=lock)
    if found is None:
        raise LookupError("the directory names a waybill that is not there")
    return found


def find_waybill(conn: Connection, tenant_id: UUID, waybill_id: UUID, *, lock: Lock = None) -> Waybill | None:
    row = conn.execute(
        f"select {COLUMNS} from waybill where tenant_id = %s and id = %s {LOCKING[lock]}",
        (tenant_id, waybill_id),
        binary=True,
    ).fetchone()
    return None if row is None else waybill_of(row)


def update_state(conn: Connection, tenant_id: UUID, waybill: Waybill) -> None:
    conn.execute(
        """
        update waybill set state = %s, courier = %s, station = %s, deliver_by = %s, updated_at = %s
        where tenant_id = %s and id = %s
        """,
        (
            waybill.state.value,
            waybill.courier,
            waybill.station,
            waybill.deliver_by,
            waybill.updated_at,
            tenant_id,
            waybill.id,
        ),
    )


def update_recipient(
    conn: Connection,
    tenant_id: UUID,
    waybill_id: UUID,
    recipient: Party,
    routing_code: str | None,
    now: datetime,
) -> None:
    conn.execute(
        """
        update waybill
        set recipient_name = %s, recipient_phone = %s, recipient_address = %s, routing_code = %s, updated_at = %s
        where tenant_id = %s and id = %s
        """,
        (recipient.name, recipient.phone, recipient.address, routing_code, now, tenant_id, waybill_id),
    )
    remove_merged_recipients(conn, tenant_id, waybill_id)


def get_waybills(conn: Connection, tenant_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Waybill]:
    rows = conn.execute(
        f"""
        select {COLUMNS} from unnest(%s::uuid[]) as wanted (wanted_id)
        join waybill on waybill.tenant_id = %s and waybill.id = wanted.wanted_id
        """,
        (list(ids), tenant_id),
    )
    return {row["id"]: waybill_of(row) for row in rows}


def waybill_of(row: Row) -> Waybill:
    return Waybill(
        id=row["id"],
        waybill_no=row["waybill_no"],
        network=row["network"],
        carrier=row["carrier"],
        orders=orders_of(row),
        state=State(row["state"]),
        recipient=Party(row["recipient_name"], row["recipient_phone"], row["recipient_address"]),
        sender=None
        if row["sender_name"] is None
        else Party(row["sender_name"], row["sender_phone"], row["sender_address"]),
        courier=row["courier"],
        station=row["station"],
        deliver_by=row["deliver_by"],
        receipt_code=row["receipt_code"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        routing_code=row["routing_code"],
    )
