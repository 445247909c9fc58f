"""What tests of flows share: counting again from the parcels themselves, and showing at once."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests import canaries
from tests.functional.waybills.orders import order
from tests.pages import every
from tests.world import Actor, Tokens, Town, World
from vault_gateway.database import Connection
from vault_gateway.flows.showing import keep_showing

Counts = Counter[tuple[str, ...]]

HANGZHOU = ("浙江省", "杭州市", "西湖区")
SHENZHEN = ("广东省", "深圳市", "南山区")
# More than ten that are withheld at most on each way to coarser cells.
MANY = 60


def as_gateway(world: World) -> psycopg.Connection[dict[str, Any]]:
    return psycopg.connect(world.settings.database_url, autocommit=True, row_factory=dict_row)


def show_now(world: World) -> None:
    with as_gateway(world) as conn:
        keep_showing(conn, world.clock(), timedelta(0))


def flows(who: Actor, **query: str) -> list[dict[str, Any]]:
    """All lines, of the days around today unless the query says otherwise."""
    today = datetime.now(UTC).date()
    asked = {"from": str(today - timedelta(days=2)), "to": str(today + timedelta(days=2)), **query}
    return every(who, "/v1/stats/flows", "&".join(f"{name}={value}" for name, value in asked.items()))


def total(who: Actor, **query: str) -> int:
    return sum(line["parcels"] for line in flows(who, **query))


def person_in(town: Town, province: str, city: str, district: str) -> Tokens:
    place = {"province": province, "city": city, "district": district, "detail": canaries.detail()}
    return town.tokenize(canaries.Person(canaries.name(), canaries.phone(), place))


def issue(town: Town, recipient: Tokens, count: int, sender: Tokens | None = None) -> list[str]:
    one = order(town, recipient) if sender is None else order(town, recipient, sender=sender.as_recipient())
    answer = town.merchant.post("/v1/waybills", {"items": [one] * count})
    assert answer.status_code == 201, answer.text
    return [item["waybill_no"] for item in answer.get_json()["items"]]


def counted(conn: Connection, book: str) -> Counts:
    """What the roll-up holds of a book: its cells and what was not folded into them yet."""
    rows = conn.execute(
        """
        with one as (
          select day, origin, destination, carrier, network, state, time, parcels
          from flow_cell where book = (select id from flow_book where name = %(book)s)
          union all
          select day, origin, destination, carrier, network, state, time, parcels from flow_delta
          where %(book)s in ('all', 'platform/' || platform, 'merchant/' || platform || '/' || merchant,
                             'carrier/' || carrier))
        select day::text, origin, destination, carrier, network, state, time, sum(parcels)::int as parcels
        from one group by 1, 2, 3, 4, 5, 6, 7 having sum(parcels) <> 0
        """,
        {"book": book},
    )
    return Counter({tuple(row.values())[:-1]: row["parcels"] for row in rows})


def recounted(conn: Connection, carrier: str) -> Counts:
    """The same counted again from the parcels, their tokens and their events."""
    rows = conn.execute(
        """
        select (w.created_at at time zone 'Asia/Shanghai')::date::text as day,
               coalesce(s.region ->> 'province', 'unknown') as origin, r.region ->> 'province' as destination,
               w.carrier, w.network, w.state,
               case when w.state <> 'delivered' then '-'
                    when d.at - a.at < interval '12 hours' then '0-12h'
                    when d.at - a.at < interval '24 hours' then '12-24h'
                    else '24-48h' end as time,
               count(*)::int as parcels
        from waybill w
        join token r on r.tenant_id = w.tenant_id and r.id = w.recipient_address
        left join token s on s.tenant_id = w.tenant_id and s.id = w.sender_address
        left join waybill_event a on a.tenant_id = w.tenant_id and a.waybill_id = w.id and a.type = 'accepted'
        left join waybill_event d on d.tenant_id = w.tenant_id and d.waybill_id = w.id and d.type = 'delivered'
        where w.carrier = %s group by 1, 2, 3, 4, 5, 6, 7
        """,
        (carrier,),
    )
    return Counter({tuple(row.values())[:-1]: row["parcels"] for row in rows})
