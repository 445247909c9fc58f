"""Sheets are counted exactly, and what is owed for them is the field's own figure."""

from __future__ import annotations

import csv
import io
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from tests import canaries
from tests.functional.waybills.segments import granted
from tests.world import Actor, Town, TurnedClock, World, new_town, today, unique
from vault_gateway.database import Connection
from vault_gateway.model import Tenant
from vault_gateway.schema import migrations
from vault_gateway.usage import store

MONTH = f"{today():%Y-%m}"


@pytest.fixture
def town(world: World) -> Town:
    """Each test counts from nothing."""
    return new_town(world)


def usage(who: Actor, month: str = MONTH, **query: str) -> list[dict[str, Any]]:
    text = "&".join(f"{name}={value}" for name, value in {"month": month, **query}.items())
    answer = who.get(f"/v1/usage?{text}")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.get_json()["items"]
    return items


def as_gateway(world: World) -> psycopg.Connection[dict[str, Any]]:
    return psycopg.connect(world.settings.database_url, autocommit=True, row_factory=dict_row)


def put_away(conn: Connection, town: Town, day: str, network: str, issued: int) -> None:
    """Folded sheets of a day, as if they had been issued."""
    tenant = Tenant(town.platform_slug, town.merchant_slug)
    conn.execute(
        "insert into usage_day values (%s, %s, %s, %s, %s, 0, 0)",
        (day, network, town.carrier_slug, tenant.id, issued),
    )


def keep_folding(world: World, done: threading.Event) -> None:
    with as_gateway(world) as conn:
        while not done.wait(0.02):
            store.fold(conn)


def test_sheets_are_counted_and_cancelled_ones_taken_off(town: Town) -> None:
    numbers = [town.waybill() for _ in range(3)]
    assert town.merchant.post(f"/v1/waybills/{numbers[0]}/cancel").status_code == 200
    assert town.event(numbers[1], "accepted").status_code == 201
    assert town.merchant.post(f"/v1/waybills/{numbers[1]}/cancel").status_code == 200
    (line,) = usage(town.merchant)
    assert (line["issued"], line["cancelled"], line["recycled"], line["counted"]) == (3, 2, 1, 2)
    assert (line["network"], line["carrier"], line["merchant"]) == (
        "douyin",
        town.carrier_slug,
        town.merchant_slug,
    )


def test_a_number_from_outside_is_no_sheet_of_this_gateway(world: World, town: Town) -> None:
    """Who issued it counts it. One of a segment and one of the test rule are issued here."""
    brought = [town.waybill(waybill_no=unique("SF").upper()) for _ in range(2)]
    assert usage(town.merchant) == []
    assert town.merchant.post(f"/v1/waybills/{brought[0]}/cancel").status_code == 200
    assert usage(town.merchant) == []
    made_up = town.waybill()
    [number] = granted(world, town, 1)
    assert town.waybill() == number
    town.waybill(waybill_no=unique("SF").upper(), network="jd")
    [line] = usage(town.merchant)
    assert (line["network"], line["issued"], line["counted"]) == ("douyin", 2, 2)
    assert town.merchant.post(f"/v1/waybills/{made_up}/cancel").status_code == 200
    [line] = usage(town.merchant)
    assert (line["issued"], line["cancelled"], line["recycled"], line["counted"]) == (2, 1, 1, 1)


def test_eighty_billion_sheets_at_one_fen_are_800_million_yuan(world: World, town: Town) -> None:
    town.waybill()  # registers the merchant
    with world.admin() as conn:
        put_away(conn, town, "2019-07-01", "cainiao", 79_999_999_999)
        put_away(conn, town, "2019-07-31", "cainiao", 1)
    (line,) = usage(town.carrier, "2019-07")
    assert (line["counted"], line["fee"], line["amount"]) == (80_000_000_000, "0.01", "800000000.00")
    assert (line["currency"], line["payer"]) == ("CNY", "carrier")


def test_before_its_first_day_a_fee_is_not_owed(world: World, town: Town) -> None:
    town.waybill()
    with world.admin() as conn:
        put_away(conn, town, "2019-05-31", "cainiao", 1000)
        put_away(conn, town, "2014-04-30", "cainiao", 7)
    (line,) = usage(town.carrier, "2019-05")
    assert (line["counted"], line["fee"], line["amount"]) == (1000, "0", "0")
    (line,) = usage(town.carrier, "2014-04")
    assert (line["counted"], "fee" in line, "amount" in line) == (7, False, False)


def test_sixteen_threads_and_a_folder_lose_no_sheet(world: World, town: Town) -> None:
    recipient = town.tokenize(canaries.person()).as_recipient()
    order = {"network": "douyin", "carrier": town.carrier_slug, "recipient": recipient}
    done = threading.Event()
    lost: list[int] = []

    def work(_: int) -> None:
        for _ in range(2):
            made = town.merchant.post("/v1/waybills", {"items": [order] * 5}).get_json()["items"]
            cancelled = town.merchant.post(f"/v1/waybills/{made[0]['waybill_no']}/cancel")
            assert cancelled.status_code == 200

    def read() -> None:
        seen = [0]
        while not done.wait(0.1):
            seen.append(sum(line["issued"] for line in usage(town.merchant)))
        lost.extend(before - after for before, after in pairwise(seen) if after < before)

    others = [threading.Thread(target=keep_folding, args=(world, done)) for _ in range(2)]
    others.append(threading.Thread(target=read))
    for thread in others:
        thread.start()
    try:
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(work, range(16)))
    finally:
        done.set()
        for thread in others:
            thread.join()
    with as_gateway(world) as conn:
        while store.fold(conn):
            pass
    (line,) = usage(town.merchant)
    assert (line["issued"], line["cancelled"], line["recycled"], line["counted"]) == (160, 32, 32, 128)
    assert lost == []


def test_each_caller_counts_its_own(world: World, town: Town) -> None:
    neighbour = new_town(world, platform_slug=town.platform_slug)
    for one in (town, neighbour):
        one.waybill()
    assert {line["merchant"] for line in usage(town.platform)} == {
        town.merchant_slug,
        neighbour.merchant_slug,
    }
    assert [line["merchant"] for line in usage(town.merchant)] == [town.merchant_slug]
    assert [line["counted"] for line in usage(town.platform, by="network")] == [2]
    (of_carrier,) = usage(town.carrier)
    assert (of_carrier["counted"], "merchant" in of_carrier, "platform" in of_carrier) == (1, False, False)
    operator = world.actor("operator")
    mine = usage(operator, platform=town.platform_slug, by="merchant")
    assert {line["merchant"] for line in mine} == {town.merchant_slug, neighbour.merchant_slug}


def test_anothers_sheets_are_not_there(world: World, town: Town) -> None:
    elsewhere = new_town(world)
    path = f"/v1/usage?month={MONTH}"
    assert town.merchant.get(f"{path}&merchant={elsewhere.merchant_slug}").status_code == 404
    assert town.platform.get(f"{path}&platform={elsewhere.platform_slug}").status_code == 404
    assert town.carrier.get(f"{path}&carrier={elsewhere.carrier_slug}").status_code == 403
    for more in ("&by=merchant", f"&merchant={town.merchant_slug}", f"&platform={town.platform_slug}"):
        assert town.carrier.get(path + more).status_code == 422
    for other in (town.courier, town.station, town.world.actor("auditor")):
        assert other.get(path).status_code == 403


@pytest.mark.parametrize("month", ["2026-13", "2026-1", "11-2026", "2026-11-01", "", "99999-01"])
def test_a_month_is_a_month(town: Town, month: str) -> None:
    assert town.merchant.get(f"/v1/usage?month={month}").status_code == 422


def test_the_same_as_csv(town: Town) -> None:
    town.waybill()
    answer = town.merchant.get(f"/v1/usage?month={MONTH}&format=csv")
    assert answer.mimetype == "text/csv"
    (row,) = csv.DictReader(io.StringIO(answer.text))
    (line,) = usage(town.merchant)
    assert {name: value for name, value in row.items() if value} == {
        name: str(value) for name, value in line.items()
    }


@pytest.mark.parametrize("platform", ["douyin", "kuaishou"])
def test_a_day_is_one_of_the_platforms_time_zone(world: World, clock: TurnedClock, platform: str) -> None:
    """The last hours of a month in UTC are the next month in Shanghai, whether a rule names the platform or none."""
    town = new_town(world, platform_slug=platform)
    now = datetime.now(UTC)
    following = (now.replace(day=1) + timedelta(days=32)).replace(day=1)
    last_evening = following.replace(hour=17, minute=0) - timedelta(days=1)
    clock.advance(seconds=max(0.0, (last_evening - now).total_seconds()))
    town.waybill()
    assert [line["issued"] for line in usage(town.merchant, f"{following:%Y-%m}")] == [1]
    assert usage(town.merchant, f"{now:%Y-%m}") == []


def test_a_cancellation_is_of_the_day_of_its_sheet_whatever_the_zone_is_then(
    world: World, clock: TurnedClock, tmp_path: Path
) -> None:
    town = new_town(world, platform_slug="douyin")
    now = datetime.now(UTC)
    following = (now.replace(day=1) + timedelta(days=32)).replace(day=1)
    last_evening = following.replace(hour=17, minute=0) - timedelta(days=1)
    clock.advance(seconds=max(0.0, (last_evening - now).total_seconds()))
    number = town.waybill()
    policies = shutil.copytree(world.settings.policies, tmp_path / "policies")
    for file in (policies / "networks").iterdir():
        file.write_text(file.read_text(encoding="utf-8").replace("Asia/Shanghai", "UTC"), encoding="utf-8")
    elsewhere = Actor(world.gateway(policies=policies), town.merchant.key, town.merchant.name)
    assert elsewhere.post(f"/v1/waybills/{number}/cancel").status_code == 200
    [line] = usage(town.merchant, f"{following:%Y-%m}")
    assert (line["issued"], line["cancelled"], line["counted"]) == (1, 1, 0)
    assert usage(town.merchant, f"{now:%Y-%m}") == []


def test_brought_numbers_that_were_counted_once_are_taken_off(world: World, town: Town) -> None:
    """By the migration that came with counting them no more."""
    [text] = [text for name, text in migrations() if name == "0030_brought_numbers"]
    tenant = Tenant(town.platform_slug, town.merchant_slug).id
    with world.admin() as conn, conn.transaction(force_rollback=True):
        conn.execute(
            """
            insert into waybill_sheet (tenant_id, waybill_id, network, carrier, source, issued_at, day, counted,
                                       cancelled_at)
            select %s, gen_random_uuid(), 'jd', 'jd', source, now(), date '2026-02-03', n <> 1,
                   case when n < 3 then now() end
            from generate_series(1, 5) as n, unnest(array['own', 'test']) as source
            """,
            (tenant,),
        )
        conn.execute("insert into usage_day values ('2026-02-03', 'jd', 'jd', %s, 10, 4, 2)", (tenant,))
        conn.execute(text.encode())
        rows = conn.execute(
            """
            select sum(issued)::int as issued, sum(cancelled)::int as cancelled, sum(recycled)::int as recycled
            from (select tenant_id, issued, cancelled, recycled from usage_day
                  union all select tenant_id, issued, cancelled, recycled from usage_delta) as told
            where tenant_id = %s
            """,
            (tenant,),
        ).fetchall()
    assert rows == [{"issued": 5, "cancelled": 2, "recycled": 1}]
