"""SQL of bindings: the ends that can be dialled, and what the parcel's merchant sees of them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from vault_gateway.database import Connection, Row
from vault_gateway.model import Kind
from vault_gateway.tokens.ids import token_text

# A number is never filled beyond a part of its extensions, so that a second try is rare and a third rarer.
_TRIES = 64

_COLUMNS = """
    id, waybill_id, waybill_no, mode, number, extension, created_at, expires_at, cool_until, released
"""


@dataclass(frozen=True, slots=True)
class Binding:
    """A parcel's number. Live until `expires_at`; at rest, and nobody else's, until `cool_until`."""

    id: UUID
    waybill_id: UUID
    waybill_no: str
    mode: str
    number: str
    extension: str | None
    created_at: datetime
    expires_at: datetime
    cool_until: datetime
    released: bool = False

    def is_live(self, now: datetime) -> bool:
        return now < self.expires_at


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone as a token: of the parcel's merchant, or of a carrier's courier."""

    tenant_id: UUID
    token: UUID

    @property
    def text(self) -> str:
        return token_text(Kind.PHONE, self.token)


class NoPlace(Exception):
    """Neither end may be ambiguous, and this number has no place for this pair."""


def insert_extensions(
    conn: Connection, tenant_id: UUID, wanted: Sequence[tuple[Binding, int, Phone]]
) -> list[Binding]:
    """Enters each binding under a random free extension of so many digits on its number; returns them with it, in
    order. Nothing tells one parcel's extension from another's, and one that still rests is never taken."""
    entered: dict[UUID, str] = {}
    for _ in range(_TRIES):
        left = [one for one in wanted if one[0].id not in entered]
        tried = {binding.id: f"{secrets.randbelow(10**digits):0{digits}d}" for binding, digits, _ in left}
        ends = [(binding, tried[binding.id].encode(), to) for binding, _, to in left]
        entered |= {binding_id: tried[binding_id] for binding_id in _insert_ends(conn, tenant_id, ends)}
        if len(entered) == len(wanted):
            return [replace(binding, extension=entered[binding.id]) for binding, _, _ in wanted]
    raise NoPlace


def insert_pair(
    conn: Connection,
    tenant_id: UUID,
    binding: Binding,
    ends: tuple[tuple[bytes, Phone], tuple[bytes, Phone]],
) -> None:
    """Enters both directions of an AXB binding: each caller's digest with the phone that it reaches. Raises
    NoPlace when one of the callers is known on this number already."""
    both = [(binding, caller, reaches) for caller, reaches in ends]
    if len(_insert_ends(conn, tenant_id, both)) < len(both):
        raise NoPlace


def _insert_ends(
    conn: Connection, tenant_id: UUID, ends: Sequence[tuple[Binding, bytes, Phone]]
) -> list[UUID]:
    """What is dialled leads to the phone; returns the bindings of those that nobody had. A transaction that enters
    some holds their numbers, so that no two wait for each other."""
    rows = conn.execute(
        """
        insert into relay_slot (number, dialled, tenant_id, binding_id, waybill_id, phone_tenant, phone_token,
                                expires_at, cool_until)
        select number, dialled, %b, binding_id, waybill_id, phone_tenant, phone_token, expires_at, cool_until
        from unnest(%b::text[], %b::bytea[], %b::uuid[], %b::uuid[], %b::uuid[], %b::uuid[],
                    %b::timestamptz[], %b::timestamptz[])
          as e (number, dialled, binding_id, waybill_id, phone_tenant, phone_token, expires_at, cool_until)
        on conflict (number, dialled) do nothing
        returning binding_id
        """,
        (
            tenant_id,
            [binding.number for binding, _, _ in ends],
            [dialled for _, dialled, _ in ends],
            [binding.id for binding, _, _ in ends],
            [binding.waybill_id for binding, _, _ in ends],
            [to.tenant_id for _, _, to in ends],
            [to.token for _, _, to in ends],
            [binding.expires_at for binding, _, _ in ends],
            [binding.cool_until for binding, _, _ in ends],
        ),
        binary=True,
    )
    return [row["binding_id"] for row in rows]


def insert_bindings(conn: Connection, tenant_id: UUID, made: Sequence[Binding]) -> None:
    conn.execute(
        """
        insert into relay_binding (tenant_id, id, waybill_id, waybill_no, mode, number, extension, created_at,
                                   expires_at, cool_until)
        select %b, * from unnest(%b::uuid[], %b::uuid[], %b::text[], %b::text[], %b::text[], %b::text[],
                                 %b::timestamptz[], %b::timestamptz[], %b::timestamptz[])
        """,
        (
            tenant_id,
            [one.id for one in made],
            [one.waybill_id for one in made],
            [one.waybill_no for one in made],
            [one.mode for one in made],
            [one.number for one in made],
            [one.extension for one in made],
            [one.created_at for one in made],
            [one.expires_at for one in made],
            [one.cool_until for one in made],
        ),
    )


def move_end(conn: Connection, tenant_id: UUID, binding: Binding) -> bool:
    """Stores the binding's times, for those who dial and for those who look. False for one whose ends were given back
    to the pool, which is as it was."""
    ends = conn.execute(
        "update relay_slot set expires_at = %s, cool_until = %s, released = %s where binding_id = %s",
        (binding.expires_at, binding.cool_until, binding.released, binding.id),
    )
    if not ends.rowcount:
        return False
    conn.execute(
        """
        update relay_binding set expires_at = %s, cool_until = %s, released = %s where tenant_id = %s and id = %s
        """,
        (binding.expires_at, binding.cool_until, binding.released, tenant_id, binding.id),
    )
    return True


def open_reaching(conn: Connection, phone: Phone, now: datetime) -> dict[UUID, list[UUID]]:
    """By tenant the bindings, of whatever tenants, that have this phone at an end: those that live, and those that may
    again."""
    rows = conn.execute(
        """
        select tenant_id, array_agg(distinct binding_id order by binding_id) as ids from relay_slot
        where phone_token = %s and phone_tenant = %s and not released and cool_until > %s
        group by tenant_id order by tenant_id
        """,
        (phone.token, phone.tenant_id, now),
    )
    return {row["tenant_id"]: row["ids"] for row in rows}


def release_all(
    conn: Connection, tenant_id: UUID, ids: Sequence[UUID], now: datetime, cool_until: datetime
) -> None:
    """Those of the tenant's bindings that are not closed yet; the wall is open for it. One whose time has run out rests
    since then."""
    conn.execute(
        """
        with open as (
          select id, least(expires_at, %(now)s) as expires_at,
                 case when expires_at > %(now)s then %(cool_until)s else cool_until end as cool_until
          from relay_binding
          where tenant_id = %(tenant)s and id = any (%(ids)s::uuid[]) and not released order by id for update
        ),
        ends as (
          update relay_slot s set expires_at = open.expires_at, cool_until = open.cool_until, released = true
          from open where s.binding_id = open.id
        )
        update relay_binding b set expires_at = open.expires_at, cool_until = open.cool_until, released = true
        from open where b.tenant_id = %(tenant)s and b.id = open.id
        """,
        {"tenant": tenant_id, "ids": list(ids), "now": now, "cool_until": cool_until},
    )


def get_binding(conn: Connection, tenant_id: UUID, binding_id: UUID, *, lock: bool = False) -> Binding | None:
    row = conn.execute(
        f"""
        select {_COLUMNS} from relay_binding where tenant_id = %s and id = %s{" for update" if lock else ""}
        """,
        (tenant_id, binding_id),
    ).fetchone()
    return None if row is None else _binding(row)


def of_waybill(conn: Connection, tenant_id: UUID, waybill_id: UUID, *, lock: bool = False) -> list[Binding]:
    """All bindings that a parcel has and had, oldest first."""
    rows = conn.execute(
        f"""
        select {_COLUMNS} from relay_binding where tenant_id = %s and waybill_id = %s
        order by id{" for update" if lock else ""}
        """,
        (tenant_id, waybill_id),
    )
    return [_binding(row) for row in rows]


def live_extensions(
    conn: Connection, tenant_id: UUID, waybill_ids: Sequence[UUID], now: datetime
) -> dict[UUID, Binding]:
    """The live extension of each parcel that has one: what its label says. A pair is for its two callers alone."""
    rows = conn.execute(
        f"""
        select {_COLUMNS} from unnest(%s::uuid[]) as wanted (waybill)
        join relay_binding b on b.tenant_id = %s and b.waybill_id = wanted.waybill
        where b.mode = 'extension' and b.expires_at > %s order by b.id
        """,
        (list(waybill_ids), tenant_id, now),
    )
    return {row["waybill_id"]: _binding(row) for row in rows}


def reach(conn: Connection, binding_id: UUID, phone: UUID) -> None:
    """Whoever dials this binding reaches another phone of the same merchant."""
    conn.execute("update relay_slot set phone_token = %s where binding_id = %s", (phone, binding_id))


def waybill_no_of(conn: Connection, binding_id: UUID) -> str | None:
    """The number of the parcel that a binding belongs to, while the binding lives or rests."""
    row = conn.execute(
        """
        select d.waybill_no from relay_slot s join waybill_directory d on d.waybill_id = s.waybill_id
        where s.binding_id = %s limit 1
        """,
        (binding_id,),
    ).fetchone()
    return None if row is None else str(row["waybill_no"])


def forget_callers(conn: Connection, binding_ids: Sequence[UUID]) -> None:
    """Who was called from these bindings is a stranger to them from now on."""
    conn.execute("delete from relay_callback where binding_id = any (%s::uuid[])", (list(binding_ids),))


def note_exhausted(conn: Connection, tenant_id: UUID, waybill_ids: Sequence[UUID], now: datetime) -> None:
    """There is no number for these. Not of a parcel that had one which was closed: closing it is to open nothing."""
    conn.execute(
        """
        insert into relay_exhausted
        select %(tenant)s, waybill, %(now)s from unnest(%(waybills)s::uuid[]) as waybill
        where not exists (
          select from relay_binding b
          where b.tenant_id = %(tenant)s and b.waybill_id = waybill and b.mode = 'extension' and b.released)
        on conflict (tenant_id, waybill_id) do update set at = excluded.at
        """,
        {"tenant": tenant_id, "now": now, "waybills": list(waybill_ids)},
    )


def exhausted_at(conn: Connection, tenant_id: UUID, waybill_id: UUID) -> datetime | None:
    """When the parcel was last found to be without a number, for there was none."""
    row = conn.execute(
        "select at from relay_exhausted where tenant_id = %s and waybill_id = %s", (tenant_id, waybill_id)
    ).fetchone()
    return None if row is None else row["at"]


def _binding(row: Row) -> Binding:
    return Binding(**row)
