"""Numbers out of granted segments."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from prometheus_client import REGISTRY

from tests import canaries
from tests.functional.waybills.orders import order
from tests.functional.waybills.segments import (
    balance,
    batch,
    counts,
    granted,
    numbers_of,
)
from tests.unit.networks.shipped import networks
from tests.world import Actor, Tokens, Town, World, new_town


@pytest.fixture
def shop(world: World) -> Town:
    """A merchant whose segments no other test sees."""
    return new_town(world)


@pytest.fixture
def someone(shop: Town) -> Tokens:
    return shop.tokenize(canaries.person())


def test_creation_takes_the_granted_numbers_in_their_order(world: World, shop: Town, someone: Tokens) -> None:
    assert shop.waybill(someone).startswith("DYT")
    numbers = granted(world, shop, 20)
    assert [shop.waybill(someone) for _ in range(3)] == numbers[:3]
    assert sorted(numbers_of(batch(shop, someone, 5))) == numbers[3:8]
    # Another network or carrier has none granted, and goes on by the test rule.
    jd = shop.merchant.post("/v1/waybills", order(shop, someone, "jd")).get_json()["waybill_no"]
    assert jd.startswith("JDT")
    assert counts(shop.merchant) == (12, 8, 0, 0)


def test_numbers_with_a_check_digit_are_issued_with_it(world: World, shop: Town, someone: Tokens) -> None:
    numbers = granted(world, shop, 30, network="cainiao", carrier="ems")
    issued = numbers_of(batch(shop, someone, 30, network="cainiao"))
    assert sorted(issued) == numbers
    for number in issued:
        found = networks().find(number)
        assert found is not None
        assert found.right_check_digit


def test_what_is_asked_beyond_the_last_number_has_none(world: World, shop: Town, someone: Tokens) -> None:
    numbers = granted(world, shop, 5)
    items = batch(shop, someone, 7)
    assert sorted(numbers_of(items)) == numbers
    assert [item["error"]["code"] for item in items if "error" in item] == ["segment_exhausted"] * 2
    alone = shop.merchant.post("/v1/waybills", order(shop, someone))
    assert (alone.status_code, alone.get_json()["code"]) == (422, "segment_exhausted")
    more = granted(world, shop, 2)
    assert shop.waybill(someone) == more[0]


def test_a_branch_is_chosen_by_name(world: World, shop: Town, someone: Tokens) -> None:
    north, south = granted(world, shop, 3, branch="north"), granted(world, shop, 3, branch="south")
    assert shop.waybill(someone, branch="south") == south[0]
    assert shop.waybill(someone) == north[0]
    nowhere = shop.merchant.post("/v1/waybills", order(shop, someone, branch="west"))
    assert nowhere.get_json()["code"] == "segment_exhausted"
    both = shop.merchant.post("/v1/waybills", order(shop, someone, branch="south", waybill_no=south[1]))
    assert both.get_json()["code"] == "validation_failed"


def test_a_rolled_back_request_takes_no_number(world: World, shop: Town, someone: Tokens) -> None:
    granted(world, shop, 10)
    with world.admin() as conn:
        conn.execute(
            f"alter table waybill_sheet add constraint broken check (carrier <> '{shop.carrier_slug}')"
        )
    try:
        assert shop.merchant.post("/v1/waybills", order(shop, someone)).status_code == 500
    finally:
        with world.admin() as conn:
            conn.execute("alter table waybill_sheet drop constraint broken")
    assert counts(shop.merchant) == (10, 0, 0, 0)


def test_a_granted_number_cannot_be_brought(world: World, shop: Town, someone: Tokens) -> None:
    numbers = granted(world, shop, 10)
    stranger = new_town(world, platform_slug=shop.platform_slug)
    for town, tokens in ((shop, someone), (stranger, stranger.tokenize(canaries.person()))):
        answer = town.merchant.post("/v1/waybills", order(town, tokens, waybill_no=numbers[4]))
        assert answer.get_json()["code"] == "waybill_no_unusable"
    assert shop.waybill(someone) == numbers[0]


def test_cancelled_before_acceptance_a_number_comes_back_and_goes_out_last(
    world: World, shop: Town, someone: Tokens
) -> None:
    numbers = granted(world, shop, 4)
    first, second = shop.waybill(someone), shop.waybill(someone)
    assert shop.merchant.post(f"/v1/waybills/{first}/cancel").status_code == 200
    assert counts(shop.merchant) == (3, 2, 1, 1)
    # What its carrier has accepted was used.
    assert shop.event(second, "accepted").status_code == 201
    assert shop.event(second, "cancelled").status_code == 201
    assert counts(shop.merchant) == (3, 2, 2, 1)
    assert [shop.waybill(someone) for _ in range(3)] == [*numbers[2:], first]
    assert counts(shop.merchant) == (0, 5, 2, 1)
    assert sheets(world, shop) == [
        (first, False),
        (second, True),
        *((each, True) for each in [*numbers[2:], first]),
    ]


def sheets(world: World, shop: Town) -> list[tuple[str, bool]]:
    """Numbers with whether they are counted, in the order in which they went out."""
    with world.admin() as conn:
        rows = conn.execute(
            """
            select w.waybill_no, s.counted from waybill_sheet s join waybill w
              on w.tenant_id = s.tenant_id and w.id = s.waybill_id
            where s.carrier = %s order by s.issued_at
            """,
            (shop.carrier_slug,),
        ).fetchall()
    return [(row["waybill_no"], row["counted"]) for row in rows]


def test_a_network_lets_a_fifth_of_a_branchs_numbers_come_back(
    world: World, shop: Town, someone: Tokens
) -> None:
    granted(world, shop, 600, network="pdd")
    made = numbers_of(batch(shop, someone, 501, network="pdd"))

    def cancel(waybill_no: str) -> int:
        return shop.merchant.post(f"/v1/waybills/{waybill_no}/cancel").status_code

    # Many at once: none of them may count on the same last place.
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(cancel, made[:110])) == {200}
    assert counts(shop.merchant) == (199, 501, 110, 100)
    counted = dict(sheets(world, shop))
    assert sum(counted[each] for each in made[:110]) == 10


def test_its_first_five_hundred_all_come_back(world: World, shop: Town, someone: Tokens) -> None:
    granted(world, shop, 10, network="pdd")
    made = numbers_of(batch(shop, someone, 10, network="pdd"))
    assert {shop.merchant.post(f"/v1/waybills/{each}/cancel").status_code for each in made} == {200}
    assert counts(shop.merchant) == (10, 10, 10, 10)
    assert sorted(numbers_of(batch(shop, someone, 10, network="pdd"))) == sorted(made)


def warnings() -> float:
    return REGISTRY.get_sample_value("vault_gateway_segments_low_total") or 0.0


def test_the_low_water_mark_is_told_once(world: World, shop: Town, someone: Tokens, auditor: Actor) -> None:
    before = warnings()
    granted(world, shop, 20, low_water=10)
    batch(shop, someone, 9)
    assert balance(shop.merchant)["low"] is False
    batch(shop, someone, 1)
    batch(shop, someone, 1)
    assert balance(shop.merchant)["low"] is True
    assert warnings() == before + 1
    events = auditor.get(f"/v1/audit/events?action=segment.low&actor=key:{shop.merchant.name}").get_json()[
        "items"
    ]
    assert [event["detail"] for event in events] == [{"left": 10}]


def test_what_comes_back_ends_the_warning_and_the_next_fall_is_told_again(
    world: World, shop: Town, someone: Tokens
) -> None:
    before = warnings()
    granted(world, shop, 20, low_water=10)
    made = numbers_of(batch(shop, someone, 11))
    assert (balance(shop.merchant)["low"], warnings()) == (True, before + 1)
    for number, low in ((made[0], True), (made[1], False)):
        assert shop.merchant.post(f"/v1/waybills/{number}/cancel").status_code == 200
        assert balance(shop.merchant)["low"] is low
    shop.waybill(someone)
    assert (balance(shop.merchant)["low"], warnings()) == (True, before + 2)


def test_a_further_segment_ends_the_warning_of_its_own_branch(
    world: World, shop: Town, someone: Tokens
) -> None:
    for branch in ("north", "south"):
        granted(world, shop, 10, low_water=5, branch=branch)
        batch(shop, someone, 6, branch=branch)
    assert [each["low"] for each in segments(shop)] == [True, True]
    granted(world, shop, 10, branch="south")
    assert [each["low"] for each in segments(shop)] == [True, False, False]


def segments(shop: Town) -> list[dict[str, Any]]:
    return list(shop.merchant.get("/v1/segments").get_json()["items"])


def test_a_merchant_and_its_platform_see_what_is_left(world: World, shop: Town) -> None:
    numbers = granted(world, shop, 50, branch="north")
    seen = balance(shop.merchant)
    assert seen.pop("granted_at")
    assert seen == {
        "network": "douyin",
        "carrier": shop.carrier_slug,
        "branch": "north",
        "first": numbers[0],
        "last": numbers[-1],
        "available": 50,
        "issued": 0,
        "cancelled": 0,
        "recycled": 0,
        "low": False,
    }
    assert balance(shop.platform, f"?merchant={shop.merchant_slug}")["available"] == 50
    colleague = new_town(world, platform_slug=shop.platform_slug)
    assert colleague.merchant.get("/v1/segments").get_json() == {"items": []}
    assert colleague.merchant.get(f"/v1/segments?merchant={shop.merchant_slug}").status_code == 404
    assert shop.carrier.get("/v1/segments").status_code == 403
    assert shop.platform.get("/v1/segments").status_code == 422


def test_thirty_two_threads_empty_a_segment_without_gap_or_double(
    world: World, shop: Town, someone: Tokens
) -> None:
    numbers = granted(world, shop, 320)
    together = threading.Barrier(32)

    def issue(_: int) -> list[str]:
        together.wait()
        one = [shop.waybill(someone) for _ in range(5)]
        return one + numbers_of(batch(shop, someone, 5))

    with ThreadPoolExecutor(32) as pool:
        issued = [number for made in pool.map(issue, range(32)) for number in made]
    assert sorted(issued) == numbers
    assert counts(shop.merchant) == (0, 320, 0, 0)
