"""Flows are shown in tens; each caller reads its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests import canaries
from tests.functional.flows.books import (
    HANGZHOU,
    MANY,
    SHENZHEN,
    flows,
    issue,
    person_in,
    show_now,
    total,
)
from tests.pages import every
from tests.world import Town, TurnedClock, World, new_town


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


def test_fewer_than_ten_are_never_shown(world: World, town: Town) -> None:
    issue(town, town.tokenize(canaries.person()), 9)
    show_now(world)
    for who in (town.merchant, town.platform, town.carrier):
        assert flows(who) == flows(who, by="origin,state") == []


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


def test_pages_go_on_where_the_last_one_ended(world: World, town: Town) -> None:
    numbers = issue(town, person_in(town, *HANGZHOU), MANY)
    issue(town, person_in(town, *SHENZHEN), MANY)
    for number in numbers[:30]:
        assert town.event(number, "accepted").status_code == 201
    show_now(world)
    whole = flows(town.merchant, by="day,destination,state,time")
    today = datetime.now(UTC).date()
    days = f"from={today - timedelta(days=2)}&to={today + timedelta(days=2)}"
    singly = every(town.merchant, "/v1/stats/flows", f"{days}&by=day,destination,state,time&limit=1")
    assert len(whole) >= 3
    assert singly == whole


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
