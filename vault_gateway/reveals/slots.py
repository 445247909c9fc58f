"""SQL of the merchants' quotas, each cut into slots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from vault_gateway.database import Connection, Row


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
