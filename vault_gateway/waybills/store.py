"""SQL of the waybills room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from vault_gateway.database import Connection, Row
from vault_gateway.model import Tenant
from vault_gateway.waybills.states import State


@dataclass(frozen=True, slots=True)
class Party:
    """Tokens of a recipient or a sender."""

    name: UUID
    phone: UUID
    address: UUID


@dataclass(frozen=True, slots=True)
class Waybill:
    id: UUID
    waybill_no: str
    network: str
    carrier: str
    order_ref: str | None
    state: State
    recipient: Party
    sender: Party | None
    courier: str | None
    station: str | None
    deliver_by: datetime | None
    receipt_code: str
    created_at: datetime
    updated_at: datetime
    routing_code: str | None = None


_COLUMNS = """
    id, waybill_no, network, carrier, order_ref, state, recipient_name, recipient_phone, recipient_address,
    sender_name, sender_phone, sender_address, courier, station, deliver_by, receipt_code, created_at, updated_at,
    routing_code
"""


def take_numbers(conn: Connection, tenant_id: UUID, waybills: Sequence[Waybill]) -> set[UUID]:
    """Enters numbers into the directory; returns the ids of those that got theirs: no other living parcel has it. In
    the order of numbers: two batches that share some wait for one another, and never both."""
    wanted = sorted(waybills, key=lambda waybill: waybill.waybill_no)
    rows = conn.execute(
        """
        insert into waybill_directory (waybill_no, waybill_id, tenant_id, live)
        select number, id, %b, true from unnest(%b::text[], %b::uuid[]) as wanted (number, id)
        on conflict (waybill_no) where live do nothing
        returning waybill_id
        """,
        (tenant_id, [waybill.waybill_no for waybill in wanted], [waybill.id for waybill in wanted]),
        binary=True,
    ).fetchall()
    return {row["waybill_id"] for row in rows}


def release_number(conn: Connection, waybill_no: str, waybill_id: UUID) -> None:
    conn.execute(
        "update waybill_directory set live = false where waybill_no = %s and waybill_id = %s",
        (waybill_no, waybill_id),
    )


def locate(conn: Connection, waybill_no: str) -> tuple[UUID, Tenant] | None:
    """The live parcel of a number, else the last one: its id and its tenant."""
    life = next(iter(lives_of(conn, waybill_no)), None)
    return None if life is None else (life.waybill_id, life.tenant)


@dataclass(frozen=True, slots=True)
class Life:
    """A parcel that has or had a number, as the policies see it."""

    waybill_id: UUID
    tenant: Tenant
    carrier: str
    state: str
    courier: str | None
    station: str | None
    deliver_by: datetime | None


def lives_of(conn: Connection, waybill_no: str) -> list[Life]:
    """The parcels of a number over all tenants, the live one first, then the last; not the very old ones. In one round
    trip however many there are, so that a stranger does not even learn that."""
    if "\0" in waybill_no:  # no text of PostgreSQL holds one
        return []
    return [
        Life(tenant=Tenant(row.pop("platform"), row.pop("merchant")), **row)
        for row in conn.execute("select * from parcels_of_number(%s)", (waybill_no,))
    ]


def insert_waybills(conn: Connection, tenant_id: UUID, waybills: Sequence[Waybill]) -> None:
    """New ones, whom no carrier has seen: one statement for any number of them, sent in binary."""
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
            [waybill.order_ref for waybill in waybills],
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


def get_waybill(conn: Connection, tenant_id: UUID, waybill_id: UUID, *, lock: str | None = None) -> Waybill:
    """One that the directory names."""
    found = find_waybill(conn, tenant_id, waybill_id, lock=lock)
    if found is None:
        raise LookupError("the directory names a waybill that is not there")
    return found


def find_waybill(
    conn: Connection, tenant_id: UUID, waybill_id: UUID, *, lock: str | None = None
) -> Waybill | None:
    """`lock` is None, `share` (its state stays until the transaction ends) or `update`."""
    suffix = {None: "", "share": " for share", "update": " for update"}[lock]
    row = conn.execute(
        f"select {_COLUMNS} from waybill where tenant_id = %s and id = %s{suffix}", (tenant_id, waybill_id)
    ).fetchone()
    return None if row is None else _waybill(row)


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
        select {_COLUMNS} from waybill
        where tenant_id = %(tenant)s
          and (%(state)s::text is null or state = %(state)s)
          and (%(since)s::timestamptz is null or updated_at >= %(since)s)
          and (%(order)s::text is null or order_ref = %(order)s)
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
    return [_waybill(row) for row in rows]


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


def get_waybills(conn: Connection, tenant_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Waybill]:
    rows = conn.execute(
        f"""
        select {_COLUMNS} from unnest(%s::uuid[]) as wanted (wanted_id)
        join waybill on waybill.tenant_id = %s and waybill.id = wanted.wanted_id
        """,
        (list(ids), tenant_id),
    )
    return {row["id"]: _waybill(row) for row in rows}


def _waybill(row: Row) -> Waybill:
    return Waybill(
        id=row["id"],
        waybill_no=row["waybill_no"],
        network=row["network"],
        carrier=row["carrier"],
        order_ref=row["order_ref"],
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
