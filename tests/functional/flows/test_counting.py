"""Flows are counted exactly, whoever counts at once."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from tests import canaries
from tests.functional.flows.books import (
    HANGZHOU,
    SHENZHEN,
    as_gateway,
    counted,
    issue,
    person_in,
    recounted,
)
from tests.world import Town, World
from vault_gateway.flows.counting import TIMES
from vault_gateway.flows.showing import keep_showing


def test_the_times_follow_each_other_without_end() -> None:
    assert list(TIMES.values()) == sorted(TIMES.values())
    assert next(name for name, end in TIMES.items() if timedelta(hours=-3) < end) == "0-12h"
    assert next(name for name, end in TIMES.items() if timedelta(days=400) < end) == "over-7d"


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
