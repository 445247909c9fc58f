"""SQL of the usage room."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from vault_gateway.database import Connection, Row

_FOLDED_AT_ONCE = 50_000


@dataclass(frozen=True, slots=True)
class FeeRow:
    network: str
    begins: date
    amount: Decimal
    currency: str
    payer: str


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose sheets, and which of them; None asks for any."""

    platform: str | None = None
    merchant: str | None = None
    carrier: str | None = None
    network: str | None = None


def count_issued(conn: Connection, tenant_id: UUID, waybills: Sequence[UUID]) -> None:
    """All but those whose numbers were brought: whoever issued them counts them."""
    conn.execute(
        """
        insert into usage_delta (day, network, carrier, tenant_id, issued, cancelled, recycled)
        select day, network, carrier, tenant_id, count(*), 0, 0
        from unnest(%(waybills)b::uuid[]) as made (waybill_id) join waybill_sheet using (waybill_id)
        where tenant_id = %(tenant)b and source <> 'own' group by day, network, carrier, tenant_id
        """,
        {"tenant": tenant_id, "waybills": list(waybills)},
        binary=True,
    )


def count_cancelled(conn: Connection, tenant_id: UUID, waybill_id: UUID) -> None:
    """On the day that the sheet was issued on, so that what is owed for it is what was due then."""
    conn.execute(
        """
        insert into usage_delta (day, network, carrier, tenant_id, issued, cancelled, recycled)
        select day, network, carrier, tenant_id, 0, 1, (not counted)::int
        from waybill_sheet where tenant_id = %s and waybill_id = %s and source <> 'own'
        """,
        (tenant_id, waybill_id),
    )


def fold(conn: Connection) -> int:
    """Moves deltas into the days that they are of, some at once; returns how many. In one statement: who reads at any
    moment finds each sheet in one of the two."""
    row = conn.execute(
        """
        with gone as (
          delete from usage_delta
          where seq in (select seq from usage_delta order by seq limit %s for update skip locked)
          returning day, network, carrier, tenant_id, issued, cancelled, recycled),
        folded as (
          insert into usage_day
          select day, network, carrier, tenant_id, sum(issued), sum(cancelled), sum(recycled)
          from gone group by 1, 2, 3, 4 order by 1, 2, 3, 4
          on conflict (day, network, carrier, tenant_id) do update
          set issued = usage_day.issued + excluded.issued,
              cancelled = usage_day.cancelled + excluded.cancelled,
              recycled = usage_day.recycled + excluded.recycled)
        select count(*) as folded from gone
        """,
        (_FOLDED_AT_ONCE,),
    ).fetchone()
    return 0 if row is None else int(row["folded"])


def sums(
    conn: Connection,
    begins: date,
    ends: date,
    scope: Scope,
    fees: Sequence[FeeRow],
    by: Collection[str],
    limit: int,
) -> list[Row]:
    """Sheets of the days from `begins` to before `ends`, a row for each fee and each of what `by` names."""
    return conn.execute(
        """
        select case when %(by_network)s then u.network end as network,
               case when %(by_carrier)s then u.carrier end as carrier,
               case when %(by_merchant)s then t.platform end as platform,
               case when %(by_merchant)s then t.merchant end as merchant,
               fee.amount as fee, fee.currency, fee.payer,
               sum(u.issued)::bigint as issued, sum(u.cancelled)::bigint as cancelled,
               sum(u.recycled)::bigint as recycled,
               sum(u.issued - u.recycled)::bigint as counted,
               sum(u.issued - u.recycled) * fee.amount as amount
        from (
          select day, network, carrier, tenant_id, issued, cancelled, recycled from usage_day
          where day >= %(begins)s and day < %(ends)s
          union all
          select day, network, carrier, tenant_id, issued, cancelled, recycled from usage_delta
          where day >= %(begins)s and day < %(ends)s) u
        join tenant t using (tenant_id)
        left join lateral (
          select f.amount, f.currency, f.payer
          from unnest(%(fee_networks)s::text[], %(fee_days)s::date[], %(fee_amounts)s::numeric[],
                      %(fee_currencies)s::text[], %(fee_payers)s::text[])
            as f (network, begins, amount, currency, payer)
          where f.network = u.network and f.begins <= u.day
          order by f.begins desc limit 1) fee on true
        where (%(platform)s::text is null or t.platform = %(platform)s)
          and (%(merchant)s::text is null or t.merchant = %(merchant)s)
          and (%(carrier)s::text is null or u.carrier = %(carrier)s)
          and (%(network)s::text is null or u.network = %(network)s)
        group by 1, 2, 3, 4, 5, 6, 7
        order by 1, 2, 3, 4, 5, 6, 7
        limit %(limit)s
        """,
        {
            "by_network": "network" in by,
            "by_carrier": "carrier" in by,
            "by_merchant": "merchant" in by,
            "begins": begins,
            "ends": ends,
            "platform": scope.platform,
            "merchant": scope.merchant,
            "carrier": scope.carrier,
            "network": scope.network,
            "fee_networks": [fee.network for fee in fees],
            "fee_days": [fee.begins for fee in fees],
            "fee_amounts": [fee.amount for fee in fees],
            "fee_currencies": [fee.currency for fee in fees],
            "fee_payers": [fee.payer for fee in fees],
            "limit": limit,
        },
        # Planned for what is asked each time.
        prepare=False,
    ).fetchall()
