"""Flows are counted exactly and shown in tens; each caller reads its own."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from tests import canaries
from tests.functional.flows.books import (
    as_gateway,
    counted,
    flows,
    issue,
    person_in,
    recounted,
    show_now,
)
from tests.world import Actor, Town, TurnedClock, World, new_town
from vault_gateway.database import Database, patiently
from vault_gateway.flows.counting import TIMES
from vault_gateway.flows.cutting import cut, due_pages
from vault_gateway.flows.showing import keep_showing
from vault_gateway.flows.store import fold

HANGZHOU = ("浙江省", "杭州市", "西湖区")
SHENZHEN = ("广东省", "深圳市", "南山区")
# More than ten that are withheld at most on each way to coarser cells.
MANY = 60


@pytest.fixture
def town(world: World) -> Town:
    """Each test counts from nothing."""
    return new_town(world)


def total(who: Actor, **query: str) -> int:
    return sum(line["parcels"] for line in flows(who, **query))


def test_parcels_are_told_by_regions_carrier_network_and_state(world: World, town: Town) -> None:
    north, south = person_in(town, *HANGZHOU), person_in(town, *SHENZHEN)
    numbers = issue(town, south, MANY, sender=north)
    issue(town, north, MANY)
    for number in numbers:
        assert town.event(number, "accepted").status_code == 201
    show_now(world)
    lines = flows(town.merchant, by="origin,destination,carrier,network,state")
    told = {(line["origin"], line["destination"], line["state"]) for line in lines}
    assert {("浙江省", "广东省", "accepted"), ("unknown", "浙江省", "created")} <= told
    assert {line["carrier"] for line in lines} <= {town.carrier_slug, None}
    assert all(line["parcels"] >= 10 and line["parcels"] % 10 == 0 for line in lines)
    assert 2 * MANY - 18 <= total(town.merchant) <= 2 * MANY
    assert 40 <= total(town.merchant, origin="浙江", state="accepted") <= MANY
    assert total(town.merchant, origin="四川") == 0


def test_the_time_from_acceptance_to_delivery_is_told(world: World, town: Town) -> None:
    someone = town.tokenize(canaries.person())
    for number in issue(town, someone, 30):
        begun = datetime.now(UTC) - timedelta(hours=30)
        assert town.event(number, "accepted", at=begun.isoformat()).status_code == 201
        assert town.event(number, "at_station", station=town.station_slug).status_code == 201
        assert town.event(number, "delivered").status_code == 201
    show_now(world)
    told = {line["time"]: line["parcels"] for line in flows(town.carrier, by="time")}
    assert set(told) <= {"24-48h", None}
    assert told["24-48h"] >= 10


def test_the_times_follow_each_other_without_end() -> None:
    assert list(TIMES.values()) == sorted(TIMES.values())
    assert next(name for name, end in TIMES.items() if timedelta(hours=-3) < end) == "0-12h"
    assert next(name for name, end in TIMES.items() if timedelta(days=400) < end) == "over-7d"


def test_fewer_than_ten_are_never_shown(world: World, town: Town) -> None:
    issue(town, town.tokenize(canaries.person()), 9)
    show_now(world)
    for who in (town.merchant, town.platform, town.carrier):
        assert flows(who) == flows(who, by="origin,state") == []


def test_a_parcel_is_counted_where_it_is(world: World, town: Town) -> None:
    north, south = person_in(town, *HANGZHOU), person_in(town, *SHENZHEN)
    first, second, third = issue(town, north, 3)
    assert town.event(first, "accepted").status_code == 201
    assert town.event(first, "in_transit").status_code == 201
    assert town.event(first, "in_transit").status_code == 201
    assert town.merchant.post(f"/v1/waybills/{second}/cancel").status_code == 200
    corrected = town.merchant.patch(f"/v1/waybills/{third}", {"recipient": south.as_recipient()})
    assert corrected.status_code == 200
    with world.admin() as conn:
        found = counted(conn, f"carrier/{town.carrier_slug}")
        assert found == recounted(conn, town.carrier_slug)
    assert {(key[2], key[5]): parcels for key, parcels in found.items()} == {
        ("浙江省", "in_transit"): 1,
        ("浙江省", "cancelled"): 1,
        ("广东省", "created"): 1,
    }


def test_a_parcel_whose_recipient_was_erased_is_still_moved(world: World, town: Town) -> None:
    someone = town.tokenize(canaries.person())
    [number] = issue(town, someone, 1)
    assert town.merchant.delete(f"/v1/tokens/{someone.address}").status_code == 204
    assert town.event(number, "accepted").status_code == 201
    with world.admin() as conn:
        found = counted(conn, f"carrier/{town.carrier_slug}")
    assert [(key[2], key[5], parcels) for key, parcels in found.items()] == [("浙江省", "accepted", 1)]


def test_a_refused_event_counts_nothing(world: World, town: Town) -> None:
    [number] = issue(town, town.tokenize(canaries.person()), 1)
    assert town.event(number, "delivered").status_code == 409
    assert town.event(number, "accepted").status_code == 201
    assert town.event(number, "at_station", station="nowhere").status_code == 422
    with world.admin() as conn:
        assert counted(conn, f"carrier/{town.carrier_slug}") == recounted(conn, town.carrier_slug)


def work(town: Town, number: int) -> None:
    """Issues six parcels and moves each some way."""
    people = [person_in(town, *HANGZHOU), person_in(town, *SHENZHEN)]
    dice = random.Random(number)
    for waybill_no in issue(town, people[number % 2], 6, sender=people[0]):
        way = [("accepted", {}), ("in_transit", {}), ("at_station", {"station": town.station_slug})]
        for type_, more in [*way, ("delivered", {})][: dice.randint(0, 4)]:
            assert town.event(waybill_no, type_, **more).status_code == 201


def keep_folding(world: World, done: threading.Event) -> None:
    with as_gateway(world) as conn:
        while not done.wait(0.02):
            keep_showing(conn, world.clock(), timedelta(0))


def keep_counting(world: World, town: Town, done: threading.Event, wrong: list[int]) -> None:
    """At every moment there are whole batches, and nowhere fewer than none."""
    with world.admin() as conn:
        while not done.wait(0.05):
            found = counted(conn, f"carrier/{town.carrier_slug}")
            if found.total() % 6 or any(parcels < 0 for parcels in found.values()):
                wrong.append(found.total())


def test_twelve_threads_and_two_folders_lose_no_parcel(world: World, town: Town) -> None:
    """In each of the four books."""
    done, wrong = threading.Event(), list[int]()
    with world.admin() as conn:
        before = counted(conn, "all").total()
    others = [threading.Thread(target=keep_folding, args=(world, done)) for _ in range(2)]
    others.append(threading.Thread(target=keep_counting, args=(world, town, done, wrong)))
    for thread in others:
        thread.start()
    try:
        with ThreadPoolExecutor(12) as pool:
            list(pool.map(lambda number: work(town, number), range(12)))
    finally:
        done.set()
        for thread in others:
            thread.join()
    assert wrong == []
    with world.admin() as conn:
        parcels = recounted(conn, town.carrier_slug)
        assert parcels.total() == 72
        merchant = f"merchant/{town.platform_slug}/{town.merchant_slug}"
        for book in (f"carrier/{town.carrier_slug}", f"platform/{town.platform_slug}", merchant):
            assert counted(conn, book) == parcels
        assert counted(conn, "all").total() == before + 72


def test_each_caller_reads_its_own_book(world: World, town: Town) -> None:
    neighbour = new_town(world, platform_slug=town.platform_slug)
    issue(town, town.tokenize(canaries.person()), 100)
    issue(neighbour, neighbour.tokenize(canaries.person()), 50)
    show_now(world)
    by = "carrier"
    platform = town.platform_slug
    of_merchant = flows(town.merchant, by=by)
    assert [line["carrier"] for line in of_merchant if line["carrier"]] == [town.carrier_slug]
    assert 82 <= total(town.merchant) <= 100
    assert 82 <= total(town.carrier) <= 100
    assert 132 <= total(town.platform) <= 150
    assert flows(world.actor("auditor", platform=platform), by=by) == flows(town.platform, by=by)
    of_one = world.actor("auditor", platform=platform, merchant=town.merchant_slug)
    assert flows(of_one, by=by) == of_merchant
    assert flows(world.actor("auditor"), by=by) == flows(world.actor("operator"), by=by)
    assert total(world.actor("operator")) >= total(town.platform)


def test_who_has_no_book_is_told_so(town: Town) -> None:
    path = "/v1/stats/flows?from=2026-11-01&to=2026-11-02"
    for other in (town.courier, town.station, town.world.actor("telecom")):
        answer = other.get(path)
        assert (answer.status_code, answer.get_json()["code"]) == (403, "forbidden")
    for more in ("&merchant=tea", "&platform=douyin"):
        assert town.platform.get(path + more).status_code == 422


def pages(who: Actor, query: str) -> Iterator[list[dict[str, object]]]:
    cursor = ""
    while True:
        body = who.get(f"/v1/stats/flows?{query}{cursor}").get_json()
        yield body["items"]
        if "next" not in body:
            return
        cursor = f"&cursor={body['next']}"


def test_pages_go_on_where_the_last_one_ended(world: World, town: Town) -> None:
    numbers = issue(town, person_in(town, *HANGZHOU), MANY)
    issue(town, person_in(town, *SHENZHEN), MANY)
    for number in numbers[:30]:
        assert town.event(number, "accepted").status_code == 201
    show_now(world)
    whole = flows(town.merchant, by="day,destination,state,time")
    today = datetime.now(UTC).date()
    days = f"from={today - timedelta(days=2)}&to={today + timedelta(days=2)}"
    singly = list(pages(town.merchant, f"{days}&by=day,destination,state,time&limit=1"))
    assert len(whole) >= 3
    assert [line for page in singly for line in page] == whole


@pytest.mark.parametrize(
    "query",
    [
        "from=2026-11-01",
        "to=2026-11-01",
        "from=2026-11-02&to=2026-11-01",
        "from=2025-11-01&to=2026-11-02",
        "from=2026-13-01&to=2026-13-02",
        "from=9999-12-01&to=9999-12-31",
        "from=0001-01-01&to=0001-01-31",
        "from=2026-11-01&to=2026-11-02&by=merchant",
        "from=2026-11-01&to=2026-11-02&by=day,",
        "from=2026-11-01&to=2026-11-02&origin=Atlantis",
        "from=2026-11-01&to=2026-11-02&origin=*",
        "from=2026-11-01&to=2026-11-02&state=*",
        "from=2026-11-01&to=2026-11-02&carrier=*",
        "from=2026-11-01&to=2026-11-02&time=soon",
        "from=2026-11-01&to=2026-11-02&limit=0",
        "from=2026-11-01&to=2026-11-02&cursor=WyJhIl0",
        "from=2026-11-01&to=2026-11-02&cursor=%2A%2A",
        "from=2026-11-01&to=2026-11-02&cursor=W10",
    ],
)
def test_a_question_that_makes_no_sense_is_refused(town: Town, query: str) -> None:
    assert town.merchant.get(f"/v1/stats/flows?{query}").status_code == 422


def test_a_day_is_one_of_the_platforms_time_zone(world: World, clock: TurnedClock) -> None:
    """The last hours of a day in UTC are the next day in Shanghai."""
    town = new_town(world, platform_slug="douyin")
    now = datetime.now(UTC)
    evening = (now + timedelta(days=1)).replace(hour=17, minute=0)
    clock.advance(seconds=(evening - now).total_seconds())
    issue(town, town.tokenize(canaries.person()), 30)
    show_now(world)
    following = str(evening.date() + timedelta(days=1))
    assert {line["day"] for line in flows(town.merchant, by="day")} == {following}


def test_a_page_is_not_shown_anew_within_a_minute(world: World, town: Town, clock: TurnedClock) -> None:
    someone = town.tokenize(canaries.person())
    issue(town, someone, 50)
    with as_gateway(world) as conn:
        keep_showing(conn, clock())
        first = total(town.merchant)
        issue(town, someone, 50)
        keep_showing(conn, clock())
        assert first == total(town.merchant) >= 32
        clock.advance(seconds=61)
        keep_showing(conn, clock())
    assert total(town.merchant) >= 82


def test_the_duty_has_time_and_gives_it_back(world: World) -> None:
    database: Database = world.app.extensions["database"]
    with database.connection() as conn:

        def limits() -> tuple[str, float]:
            row = conn.execute("show statement_timeout").fetchone()
            assert row is not None
            return row["statement_timeout"], vars(conn)["answers_within_s"]

        with patiently(conn, 60):
            assert limits() == ("1min", 62)
        assert limits() == ("5s", 7)


def test_a_page_is_cut_by_one_at_a_time(world: World, town: Town) -> None:
    """What has changed on it would else be added twice."""
    issue(town, town.tokenize(canaries.person()), 30)
    now = world.clock()
    with as_gateway(world) as one, as_gateway(world) as other:
        while fold(one):
            pass
        with one.transaction():
            pages = due_pages(one, now)
            with other.transaction():
                assert not {*pages} & {*due_pages(other, now)}
            cut(one, pages, now)
        with other.transaction():
            assert not {*pages} & {*due_pages(other, now)}
    show_now(world)
    assert 12 <= total(town.merchant) <= 30
