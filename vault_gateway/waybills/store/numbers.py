"""SQL of the directory: which parcel a number names, over all tenants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from vault_gateway.database import Connection
from vault_gateway.model import Tenant
from vault_gateway.waybills.waybill import Waybill


def take_numbers(conn: Connection, tenant_id: UUID, waybills: Sequence[Waybill]) -> set[UUID]:
    """Enters numbers into the directory; returns the ids of those that did not get theirs, for another living parcel
    has it. In the order of numbers: two batches that share some wait for one another, and never both."""
    wanted = sorted(waybills, key=lambda waybill: waybill.waybill_no)
    rows = conn.execute(
        """
        with wanted as (
          select number, id from unnest(%b::text[], %b::uuid[]) with ordinality as w (number, id, at) order by at),
        entered as (
          insert into waybill_directory (waybill_no, waybill_id, tenant_id, live)
          select number, id, %b, true from wanted
          on conflict (waybill_no) where live do nothing
          returning waybill_id)
        select id from wanted where id not in (select waybill_id from entered)
        """,
        ([waybill.waybill_no for waybill in wanted], [waybill.id for waybill in wanted], tenant_id),
        binary=True,
    ).fetchall()
    return {row["id"] for row in rows}


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
