"""SQL of the flows room: counting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from vault_gateway.database import Connection
from vault_gateway.model import Tenant
from vault_gateway.waybills.waybill import Waybill

_FOLDED_AT_ONCE = 10_000
# Who folds or shows: one at a time.
_LOCK = 4711011

# A parcel's state and the time it took.
Stage = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Start:
    waybill_id: UUID
    day: date
    origin: str
    destination: str
    carrier: str
    network: str


def begin(conn: Connection, tenant: Tenant, starts: Sequence[Start], stage: Stage) -> None:
    """Notes where each parcel comes from and goes to, and counts it."""
    conn.execute(
        """
        with made as (
          select * from unnest(%b::uuid[], %b::date[], %b::text[], %b::text[], %b::text[], %b::text[])
            as one (waybill_id, day, origin, destination, carrier, network)),
        noted as (
          insert into flow_parcel (tenant_id, waybill_id, day, origin, destination)
          select %b, waybill_id, day, origin, destination from made)
        insert into flow_delta (platform, merchant, day, origin, destination, carrier, network, state, time, parcels)
        select %b, %b, day, origin, destination, carrier, network, %b, %b, count(*)
        from made group by day, origin, destination, carrier, network
        """,
        (
            [one.waybill_id for one in starts],
            [one.day for one in starts],
            [one.origin for one in starts],
            [one.destination for one in starts],
            [one.carrier for one in starts],
            [one.network for one in starts],
            tenant.id,
            tenant.platform,
            tenant.merchant,
            *stage,
        ),
        binary=True,
    )


def shift(conn: Connection, tenant: Tenant, waybill: Waybill, before: Stage, after: Stage) -> None:
    """Counts a parcel where it is now and no more where it was."""
    conn.execute(
        """
        insert into flow_delta (platform, merchant, day, origin, destination, carrier, network, state, time, parcels)
        select %s, %s, p.day, p.origin, p.destination, %s, %s, stage.state, stage.time, stage.parcels
        from flow_parcel p cross join (values (%s, %s, -1), (%s, %s, 1)) as stage (state, time, parcels)
        where p.tenant_id = %s and p.waybill_id = %s
        """,
        (
            tenant.platform,
            tenant.merchant,
            waybill.carrier,
            waybill.network,
            *before,
            *after,
            tenant.id,
            waybill.id,
        ),
    )


def redirect(conn: Connection, tenant: Tenant, waybill: Waybill, destination: str, time: str) -> None:
    """Counts a parcel that has another recipient where it goes now."""
    conn.execute(
        """
        with old as (
          select day, origin, destination from flow_parcel where tenant_id = %(tenant)s and waybill_id = %(id)s),
        new as (
          update flow_parcel set destination = %(destination)s
          where tenant_id = %(tenant)s and waybill_id = %(id)s
          returning day, origin, destination)
        insert into flow_delta (platform, merchant, day, origin, destination, carrier, network, state, time, parcels)
        select %(platform)s, %(merchant)s, day, origin, destination, %(carrier)s, %(network)s, %(state)s, %(time)s, n
        from (select *, -1 as n from old union all select *, 1 from new) as both_ways
        """,
        {
            "tenant": tenant.id,
            "id": waybill.id,
            "destination": destination,
            "platform": tenant.platform,
            "merchant": tenant.merchant,
            "carrier": waybill.carrier,
            "network": waybill.network,
            "state": waybill.state.value,
            "time": time,
        },
    )


def accepted_at(conn: Connection, tenant: Tenant, waybill_id: UUID) -> datetime:
    row = conn.execute(
        """
        select at from waybill_event
        where tenant_id = %s and waybill_id = %s and type = 'accepted' order by id limit 1
        """,
        (tenant.id, waybill_id),
    ).fetchone()
    if row is None:
        raise LookupError("a parcel was delivered that was never accepted")
    at: datetime = row["at"]
    return at


def alone(conn: Connection) -> bool:
    """Is nobody else folding or showing? Until the transaction ends."""
    row = conn.execute("select pg_try_advisory_xact_lock(%s) as alone", (_LOCK,)).fetchone()
    return row is not None and bool(row["alone"])


def fold(conn: Connection) -> int:
    """Moves deltas into the cells of the four books that each is of, some at once; returns how many. In one statement:
    who reads at any moment finds each parcel in one of the two."""
    row = conn.execute(
        """
        with gone as (
          delete from flow_delta where seq in (select seq from flow_delta order by seq limit %s)
          returning platform, merchant, day, origin, destination, carrier, network, state, time, parcels),
        entry as (
          select of.name, gone.* from gone cross join lateral (values
            ('all'),
            ('platform/' || platform),
            ('merchant/' || platform || '/' || merchant),
            ('carrier/' || carrier)) as of (name)),
        fresh as (
          insert into flow_book (name) select distinct name from entry on conflict (name) do nothing
          returning id, name),
        book as (
          select id, name from fresh union all
          select id, name from flow_book where name in (select name from entry)),
        change as (
          select book.id as book, day, origin, destination, carrier, network, state, time, sum(parcels) as parcels
          from entry join book using (name) group by 1, 2, 3, 4, 5, 6, 7, 8 having sum(parcels) <> 0),
        counted as (
          insert into flow_cell (book, day, origin, destination, carrier, network, state, time, parcels)
          select * from change
          on conflict (book, day, origin, destination, carrier, network, state, time) do update
          set parcels = flow_cell.parcels + excluded.parcels),
        marked as (
          insert into flow_page (book, day, stale, cells)
          select book, day, true, count(*) from change group by book, day
          on conflict (book, day) do update set stale = true, cells = flow_page.cells + excluded.cells)
        select count(*) as folded from gone
        """,
        (_FOLDED_AT_ONCE,),
    ).fetchone()
    return 0 if row is None else int(row["folded"])
