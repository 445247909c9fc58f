"""SQL of bindings: the ends that can be dialled, and what the parcel's merchant sees of them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from vault_gateway.database import Connection, Row
from vault_gateway.model import Kind
from vault_gateway.relay.store.pool import RelayNumber
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


def insert_extension(
    conn: Connection, tenant_id: UUID, binding: Binding, number: RelayNumber, to: Phone
) -> str:
    """Enters the binding under a random free extension of `number`; returns the extension. Nothing tells one
    parcel's extension from another's, and one that still rests is never taken."""
    for _ in range(_TRIES):
        extension = f"{secrets.randbelow(10**number.digits):0{number.digits}d}"
        if _insert_end(conn, tenant_id, binding, extension.encode(), to):
            return extension
    raise NoPlace


def insert_pair(
    conn: Connection,
    tenant_id: UUID,
    binding: Binding,
    ends: tuple[tuple[bytes, Phone], tuple[bytes, Phone]],
) -> None:
    """Enters both directions of an AXB binding: each caller's digest with the phone that it reaches. Raises
    NoPlace when one of the callers is known on this number already."""
    for caller, reaches in ends:
        if not _insert_end(conn, tenant_id, binding, caller, reaches):
            raise NoPlace


def _insert_end(conn: Connection, tenant_id: UUID, binding: Binding, dialled: bytes, to: Phone) -> bool:
    cursor = conn.execute(
        """
        insert into relay_slot (number, dialled, tenant_id, binding_id, waybill_id, phone_tenant, phone_token,
                                expires_at, cool_until)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
        on conflict (number, dialled) do nothing
        """,
        (
            binding.number,
            dialled,
            tenant_id,
            binding.id,
            binding.waybill_id,
            to.tenant_id,
            to.token,
            binding.expires_at,
            binding.cool_until,
        ),
    )
    return cursor.rowcount == 1


def insert_binding(conn: Connection, tenant_id: UUID, binding: Binding) -> None:
    conn.execute(
        """
        insert into relay_binding (tenant_id, id, waybill_id, waybill_no, mode, number, extension, created_at,
                                   expires_at, cool_until)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (
            tenant_id,
            binding.id,
            binding.waybill_id,
            binding.waybill_no,
            binding.mode,
            binding.number,
            binding.extension,
            binding.created_at,
            binding.expires_at,
            binding.cool_until,
        ),
    )


def move_end(conn: Connection, tenant_id: UUID, binding: Binding) -> None:
    """Stores the binding's times, for those who dial and for those who look."""
    conn.execute(
        """
        update relay_binding set expires_at = %s, cool_until = %s, released = %s where tenant_id = %s and id = %s
        """,
        (binding.expires_at, binding.cool_until, binding.released, tenant_id, binding.id),
    )
    conn.execute(
        "update relay_slot set expires_at = %s, cool_until = %s, released = %s where binding_id = %s",
        (binding.expires_at, binding.cool_until, binding.released, binding.id),
    )


def live_reaching(conn: Connection, phone: Phone, now: datetime) -> dict[UUID, list[UUID]]:
    """By tenant the bindings, of whatever tenants, that have this phone at an end."""
    rows = conn.execute(
        """
        select tenant_id, array_agg(distinct binding_id order by binding_id) as ids from relay_slot
        where phone_token = %s and phone_tenant = %s and expires_at > %s group by tenant_id order by tenant_id
        """,
        (phone.token, phone.tenant_id, now),
    )
    return {row["tenant_id"]: row["ids"] for row in rows}


def release_all(
    conn: Connection, tenant_id: UUID, ids: Sequence[UUID], now: datetime, cool_until: datetime
) -> None:
    """Those of the tenant's bindings that still live; the wall is open for it."""
    conn.execute(
        """
        with live as (
          select id from relay_binding
          where tenant_id = %(tenant)s and id = any (%(ids)s::uuid[]) and expires_at > %(now)s order by id for update
        ),
        ends as (
          update relay_slot s set expires_at = %(now)s, cool_until = %(cool_until)s, released = true
          from live where s.binding_id = live.id
        )
        update relay_binding b set expires_at = %(now)s, cool_until = %(cool_until)s, released = true
        from live where b.tenant_id = %(tenant)s and b.id = live.id
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


def live_of_waybills(
    conn: Connection, tenant_id: UUID, waybill_ids: Sequence[UUID], now: datetime
) -> dict[UUID, Binding]:
    """The newest live binding of each parcel that has one."""
    rows = conn.execute(
        f"""
        select {_COLUMNS} from unnest(%s::uuid[]) as wanted (waybill)
        join relay_binding b on b.tenant_id = %s and b.waybill_id = wanted.waybill
        where b.expires_at > %s order by b.id
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


def note_exhausted(conn: Connection, tenant_id: UUID, waybill_id: UUID, now: datetime) -> None:
    conn.execute(
        """
        insert into relay_exhausted values (%s, %s, %s)
        on conflict (tenant_id, waybill_id) do update set at = excluded.at
        """,
        (tenant_id, waybill_id, now),
    )


def was_exhausted(conn: Connection, tenant_id: UUID, waybill_id: UUID) -> bool:
    row = conn.execute(
        "select 1 from relay_exhausted where tenant_id = %s and waybill_id = %s", (tenant_id, waybill_id)
    ).fetchone()
    return row is not None


def _binding(row: Row) -> Binding:
    return Binding(**row)
