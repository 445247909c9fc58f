"""A person at a station's counter says four digits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests import canaries
from tests.canaries import Person
from tests.functional.waybills.orders import order
from tests.world import Actor, Town, World, new_town
from vault_gateway.waybills import counter


def waiting(town: Town, someone: Person, *, of: Town | None = None) -> str:
    """A parcel of `of`'s merchant (the town's own), at the town's station."""
    owner = of or town
    made = owner.merchant.post("/v1/waybills", order(town, owner.tokenize(someone)))
    assert made.status_code == 201, made.text
    waybill_no = str(made.get_json()["waybill_no"])
    town.hand_to_station(waybill_no)
    return waybill_no


def found(station: Actor, slug: str, last4: str) -> list[str]:
    answer = station.post(f"/v1/stations/{slug}/parcels/search", {"last4": last4})
    assert answer.status_code == 200, answer.text
    assert answer.get_json()["more"] is False
    return [item["waybill_no"] for item in answer.get_json()["items"]]


def test_parcels_of_all_merchants_that_wait_there_are_found_masked(town: Town, elsewhere: Town) -> None:
    someone = canaries.person()
    numbers = [waiting(town, someone), waiting(town, someone, of=elsewhere)]
    answer = town.station.post(
        f"/v1/stations/{town.station_slug}/parcels/search", {"last4": someone.phone[-4:]}
    )
    assert [item["waybill_no"] for item in answer.get_json()["items"]] == numbers[::-1]
    for secret in (someone.phone, someone.name, someone.detail):
        assert secret not in answer.text


def test_what_does_not_wait_there_is_not_found(town: Town) -> None:
    someone = canaries.person()
    last4 = someone.phone[-4:]
    tokens = town.tokenize(someone)
    town.waybill(tokens)
    gone = waiting(town, someone)
    assert found(town.station, town.station_slug, last4) == [gone]
    assert town.event(gone, "delivered").status_code == 201
    assert found(town.station, town.station_slug, last4) == []
    assert found(town.station, town.station_slug, f"{(int(last4) + 1) % 10000:04d}") == []


def test_an_erased_phone_is_found_by_no_digits(town: Town) -> None:
    someone = canaries.person()
    tokens = town.tokenize(someone)
    waybill_no = town.waybill(tokens)
    town.hand_to_station(waybill_no)
    assert town.merchant.delete(f"/v1/tokens/{tokens.phone}").status_code in (200, 204)
    assert found(town.station, town.station_slug, someone.phone[-4:]) == []


def test_only_the_station_itself_searches_its_counter(town: Town, elsewhere: Town, world: World) -> None:
    someone = canaries.person()
    waiting(town, someone)
    path = f"/v1/stations/{town.station_slug}/parcels/search"
    neighbour = world.actor("station", carrier=town.carrier_slug, station=f"{town.station_slug}-2")
    for who in (neighbour, elsewhere.station, town.carrier, town.courier, town.merchant, town.platform):
        answer = who.post(path, {"last4": someone.phone[-4:]})
        assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")
    assert town.station.post("/v1/stations/Ünknown/parcels/search", {"last4": "1234"}).status_code == 404


@pytest.mark.parametrize("last4", ["", "123", "12345", "１２３４", "12a4", "%234"])
def test_anything_but_four_digits_is_refused(town: Town, last4: str) -> None:
    answer = town.station.post(f"/v1/stations/{town.station_slug}/parcels/search", {"last4": last4})
    assert answer.status_code == 422


def test_each_search_is_an_event_and_misses_run_out(world: World, auditor: Actor) -> None:
    town = new_town(world)
    someone = canaries.person()
    waybill_no = waiting(town, someone)
    other = f"{(int(someone.phone[-4:]) + 1) % 10000:04d}"
    for _ in range(60):
        assert found(town.station, town.station_slug, other) == []
    answer = town.station.post(f"/v1/stations/{town.station_slug}/parcels/search", {"last4": other})
    assert (answer.status_code, answer.get_json()["code"]) == (429, "rate_limited")
    assert int(answer.headers["Retry-After"]) > 0
    # Nobody else's counter is in the way of it.
    elsewhere = new_town(world)
    assert found(elsewhere.station, elsewhere.station_slug, other) == []
    query = f"/v1/audit/events?action=parcel.search&carrier={town.carrier_slug}&limit=100"
    events = auditor.get(query).get_json()["items"]
    assert len(events) == 61
    assert [(event["outcome"], event.get("reason")) for event in events[:2]] == [
        ("deny", "rate_limited"),
        ("allow", None),
    ]
    assert waybill_no not in str(events)
    assert other not in str([event.get("detail") for event in events])


def test_searches_at_once_miss_no_more_often_and_finds_count_for_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counter, "_MISSES", ("5/hour", "9/day"))
    town, someone = new_town(world), canaries.person()
    waiting(town, someone)
    right = someone.phone[-4:]
    wrong = f"{(int(right) + 1) % 10000:04d}"

    def search(last4: str) -> int:
        path = f"/v1/stations/{town.station_slug}/parcels/search"
        return town.station.post(path, {"last4": last4}).status_code

    assert [search(right) for _ in range(8)] == [200] * 8
    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(search, [wrong] * 12))
    assert sorted(answers) == [200] * 5 + [429] * 7
