"""SQL of the reveals room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from vault_gateway.database import Connection, Row
from vault_gateway.model import Tenant
from vault_gateway.reveals.machine import Grant, State

Lock = Literal["share", "update"]
_LOCKS = {"share": "for share", "update": "for update"}

_COLUMNS = """
    id, waybill_id, waybill_no, order_ref, carrier, holder, principal, purpose, fields, tokens, state,
    public_key, released, ack_digests, issued_at, expires_at, claimed_at, first_released_at, closed_at,
    case when purpose = 'break_glass' then (
      select b.issuer from break_glass b where b.tenant_id = reveal_grant.tenant_id and b.id = reveal_grant.id
    ) end as issuer
"""


@dataclass(frozen=True, slots=True)
class Located:
    """Where a reveal is: found over all tenants, before the wall of one is opened."""

    reveal_id: UUID
    tenant: Tenant
    waybill_id: UUID | None


@dataclass(frozen=True, slots=True)
class Slots:
    """A merchant's quota for a purpose on a day, cut into `count` slots, the first ones one larger where it does not
    go up."""

    tenant_id: UUID
    purpose: str
    day: date
    quota: int
    count: int

    def room_of(self, slot: int) -> int:
        return self.quota // self.count + (slot < self.quota % self.count)

    def parameters(self) -> Row:
        return {
            "tenant": self.tenant_id,
            "purpose": self.purpose,
            "day": self.day,
            "each": self.quota // self.count,
            "larger": self.quota % self.count,
            "count": self.count,
        }


def insert_grant(conn: Connection, tenant_id: UUID, grant: Grant) -> None:
    conn.execute(
        """
        insert into reveal_grant (tenant_id, id, waybill_id, waybill_no, order_ref, carrier, holder, principal,
                                  purpose, fields, tokens, state, public_key, issued_at, expires_at)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (
            tenant_id,
            grant.id,
            grant.waybill_id,
            grant.waybill_no,
            grant.order_ref,
            grant.carrier,
            grant.holder,
            grant.principal,
            grant.purpose,
            list(grant.fields),
            list(grant.tokens),
            grant.state.value,
            grant.public_key,
            grant.issued_at,
            grant.expires_at,
        ),
    )
    conn.execute(
        "insert into reveal_token (tenant_id, token, reveal_id) select %s, token, %s from unnest(%s::uuid[]) as token",
        (tenant_id, grant.id, list(grant.tokens)),
    )


def locate_reveal(conn: Connection, reveal_id: UUID) -> Located | None:
    row = conn.execute(
        "select platform, merchant, waybill_id from locate_reveal(%s)", (reveal_id,)
    ).fetchone()
    if row is None:
        return None
    return Located(reveal_id, Tenant(row["platform"], row["merchant"]), row["waybill_id"])


def get_grant(conn: Connection, tenant_id: UUID, reveal_id: UUID, *, lock: Lock) -> Grant:
    """A grant that `locate_reveal` found, as it is once nobody else is changing it."""
    found = find_grant(conn, tenant_id, reveal_id, lock=lock)
    assert found is not None, "grants are never removed"
    return found


def find_grant(conn: Connection, tenant_id: UUID, reveal_id: UUID, *, lock: Lock) -> Grant | None:
    row = conn.execute(
        f"select {_COLUMNS} from reveal_grant where tenant_id = %s and id = %s {_LOCKS[lock]}",
        (tenant_id, reveal_id),
    ).fetchone()
    return None if row is None else _grant(row)


def grants_of_waybill(conn: Connection, tenant_id: UUID, waybill_id: UUID) -> list[Grant]:
    """All that were ever issued, locked against a release until the transaction ends."""
    rows = conn.execute(
        f"select {_COLUMNS} from reveal_grant where tenant_id = %s and waybill_id = %s order by id for share",
        (tenant_id, waybill_id),
    )
    return [_grant(row) for row in rows]


def grants_of_token(conn: Connection, tenant_id: UUID, token: UUID) -> list[Grant]:
    """All that ever named the token, locked against a release until the transaction ends."""
    rows = conn.execute(
        f"""
        select {_COLUMNS} from reveal_grant
        where tenant_id = %s and id in (select reveal_id from reveal_token where tenant_id = %s and token = %s)
        order by id for share
        """,
        (tenant_id, tenant_id, token),
    )
    return [_grant(row) for row in rows]


def mark_claimed(
    conn: Connection, tenant_id: UUID, reveal_id: UUID, public_key: bytes | None, now: datetime
) -> None:
    conn.execute(
        """
        update reveal_grant
        set state = 'claimed', public_key = %s, claimed_at = coalesce(claimed_at, %s)
        where tenant_id = %s and id = %s
        """,
        (public_key, now, tenant_id, reveal_id),
    )


def count_release(
    conn: Connection, tenant_id: UUID, reveal_id: UUID, *, ack_digest: bytes, now: datetime
) -> None:
    conn.execute(
        """
        update reveal_grant
        set released = released + 1, ack_digests = ack_digests || %s::bytea,
            first_released_at = coalesce(first_released_at, %s)
        where tenant_id = %s and id = %s
        """,
        (ack_digest, now, tenant_id, reveal_id),
    )


def close(conn: Connection, tenant_id: UUID, reveal_id: UUID, state: State, now: datetime) -> None:
    conn.execute(
        "update reveal_grant set state = %s, closed_at = %s where tenant_id = %s and id = %s",
        (state.value, now, tenant_id, reveal_id),
    )


def take_free_slot(conn: Connection, slots: Slots) -> bool:
    """Counts one in a slot with room that no other transaction holds now."""
    cursor = conn.execute(
        """
        update merchant_day set used = used + 1
        where tenant_id = %(tenant)s and purpose = %(purpose)s and day = %(day)s and slot = (
          select slot from merchant_day
          where tenant_id = %(tenant)s and purpose = %(purpose)s and day = %(day)s and slot < %(count)s
            and used < %(each)s + (slot < %(larger)s)::integer
          order by random() limit 1 for update skip locked)
        """,
        slots.parameters(),
    )
    return cursor.rowcount == 1


def take_new_slot(conn: Connection, slots: Slots) -> bool:
    """Counts one in a slot that nobody used yet."""
    cursor = conn.execute(
        """
        insert into merchant_day (tenant_id, purpose, day, slot, used)
        select %(tenant)s, %(purpose)s, %(day)s, fresh.slot, 1
        from generate_series(0, %(count)s - 1) as fresh (slot)
        where not exists (
          select from merchant_day m
          where m.tenant_id = %(tenant)s and m.purpose = %(purpose)s and m.day = %(day)s and m.slot = fresh.slot)
        order by random() limit 1
        on conflict do nothing
        """,
        slots.parameters(),
    )
    return cursor.rowcount == 1


def forget_slots(conn: Connection, slots: Slots, before: date) -> None:
    """Those of days that are over. One that somebody else forgets now is not waited for."""
    conn.execute(
        """
        delete from merchant_day
        where tenant_id = %(tenant)s and purpose = %(purpose)s and (day, slot) in (
          select day, slot from merchant_day
          where tenant_id = %(tenant)s and purpose = %(purpose)s and day < %(before)s for update skip locked)
        """,
        {**slots.parameters(), "before": before},
    )


def lock_slots(conn: Connection, slots: Slots) -> list[int]:
    """The numbers of all slots there are. They are ours until the transaction ends, so that no grant is under way: a
    slot that nobody used yet is made, which waits for whoever is making it now and would else be overlooked."""
    conn.execute(
        """
        insert into merchant_day (tenant_id, purpose, day, slot, used)
        select %(tenant)s, %(purpose)s, %(day)s, slot, 0 from generate_series(0, %(count)s - 1) as slot order by slot
        on conflict do nothing
        """,
        slots.parameters(),
    )
    rows = conn.execute(
        """
        select slot from merchant_day
        where tenant_id = %(tenant)s and purpose = %(purpose)s and day = %(day)s order by slot for update
        """,
        slots.parameters(),
    )
    return [row["slot"] for row in rows]


def reveals_of_merchant(
    conn: Connection, tenant_id: UUID, purpose: str, begins: datetime, settled: datetime
) -> int:
    """Since `begins`, without what ended undisclosed before `settled`."""
    row = conn.execute(
        """
        select count(*) as count from reveal_grant
        where tenant_id = %s and purpose = %s and issued_at >= %s
          and (released > 0 or (state <> 'revoked' and expires_at > %s))
        """,
        (tenant_id, purpose, begins, settled),
    ).fetchone()
    assert row is not None, "an aggregate has a row"
    return int(row["count"])


def fill_slots(conn: Connection, slots: Slots, used: Sequence[int], exact: int) -> None:
    """Spreads an exact count, which the quota has room for, over the slots in use."""
    filled = []
    for slot in used:
        filled.append(min(exact, slots.room_of(slot) if slot < slots.count else 0))
        exact -= filled[-1]
    conn.execute(
        """
        update merchant_day set used = filled.used
        from unnest(%(slots)s::smallint[], %(used)s::integer[]) as filled (slot, used)
        where tenant_id = %(tenant)s and purpose = %(purpose)s and day = %(day)s and merchant_day.slot = filled.slot
        """,
        {**slots.parameters(), "slots": list(used), "used": filled},
    )


def _grant(row: Row) -> Grant:
    return Grant(
        id=row["id"],
        waybill_id=row["waybill_id"],
        waybill_no=row["waybill_no"],
        order_ref=row["order_ref"],
        carrier=row["carrier"],
        holder=row["holder"],
        principal=row["principal"],
        purpose=row["purpose"],
        fields=tuple(row["fields"]),
        tokens=tuple(row["tokens"]),
        state=State(row["state"]),
        public_key=row["public_key"],
        released=row["released"],
        ack_digests=tuple(row["ack_digests"]),
        issued_at=row["issued_at"],
        expires_at=row["expires_at"],
        claimed_at=row["claimed_at"],
        first_released_at=row["first_released_at"],
        closed_at=row["closed_at"],
        issuer=row["issuer"],
    )
