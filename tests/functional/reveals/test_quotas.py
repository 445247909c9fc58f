"""The quotas of a day: exact over two processes, given back where nothing was disclosed, and told apart."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
import urllib3

from tests.functional.reveals.steps import ask, claim, issued, outline, told
from tests.policies import GENEROUS, policies_with
from tests.world import Actor, Town, TurnedClock, World, new_town

Quotas = Callable[..., Path]


@pytest.fixture
def quotas(tmp_path: Path) -> Quotas:
    """A folder of policies where a courier, or a merchant for a purpose, has so much a day."""

    def make(**changed: Any) -> Path:
        wanted = copy.deepcopy(GENEROUS)
        wanted["reveals_a_day"]["merchant"].update(changed.pop("merchant", {}))
        wanted["reveals_a_day"].update(changed)
        return policies_with(tmp_path / "policies", wanted)

    return make


@pytest.fixture
def fresh(world: World) -> Town:
    return new_town(world)


def through(world: World, policies: Path, actor: Actor) -> Actor:
    return replace(actor, app=world.gateway(policies=policies))


def test_a_courier_has_so_many_a_day_and_hears_when_to_come_back(
    world: World, fresh: Town, quotas: Quotas
) -> None:
    courier = through(world, quotas(courier=2), fresh.courier)
    parcels = [fresh.out_for_delivery() for _ in range(3)]
    for parcel in parcels[:2]:
        assert claim(courier, issued(courier, parcel)).status_code == 200
    refused = ask(courier, parcels[2])
    assert told(refused) == (429, "courier_quota")
    assert 1 <= int(refused.headers["Retry-After"]) <= 86_400
    assert outline(world, waybill=parcels[2]) == [("reveal.issue", "deny", "courier_quota")]
    # A day's quota is one person's.
    other = world.actor("courier", app=courier.app, carrier=fresh.carrier_slug)
    assert fresh.event(parcels[2], "out_for_delivery", courier=other.name).status_code == 201
    assert ask(other, parcels[2]).status_code == 201


def test_the_next_day_begins_anew(world: World, fresh: Town, quotas: Quotas, clock: TurnedClock) -> None:
    courier = through(world, quotas(courier=1), fresh.courier)
    first, second = fresh.out_for_delivery(), fresh.out_for_delivery()
    assert claim(courier, issued(courier, first)).status_code == 200
    refused = ask(courier, second)
    assert told(refused) == (429, "courier_quota")
    clock.advance(seconds=int(refused.headers["Retry-After"]) - 2)
    assert told(ask(courier, second)) == (429, "courier_quota")
    clock.advance(seconds=4)
    third = fresh.out_for_delivery()
    assert ask(courier, third).status_code == 201


@pytest.mark.parametrize("quota", [{"courier": 2}, {"merchant": {"deliver": 2}}])
def test_what_was_certainly_not_disclosed_is_given_back(
    world: World, fresh: Town, quotas: Quotas, clock: TurnedClock, quota: dict[str, Any]
) -> None:
    policies = quotas(**quota)
    courier = through(world, policies, fresh.courier)
    unclaimed, revoked, wanted = (fresh.out_for_delivery() for _ in range(3))
    grant = issued(courier, unclaimed)
    called_back = issued(courier, revoked)
    assert ask(courier, wanted).status_code == 429
    assert fresh.carrier.post(f"/v1/reveals/{called_back}/revoke").status_code == 200
    # In another process, which has not just found the merchant's day full.
    courier = through(world, policies, fresh.courier)
    assert ask(courier, wanted).status_code == 201
    clock.advance(seconds=59)
    assert ask(courier, revoked).status_code == 429
    # Expired, and long enough that no release of it can be under way.
    clock.advance(seconds=62)
    courier = through(world, policies, fresh.courier)
    assert claim(courier, issued(courier, revoked)).status_code == 200
    assert claim(courier, issued(courier, unclaimed)).status_code == 200
    assert claim(courier, grant).status_code == 409
    assert ask(courier, wanted).status_code == 429


def test_days_that_are_over_are_forgotten(world: World, fresh: Town, clock: TurnedClock) -> None:
    def days() -> int:
        return int(
            world.row(
                "select count(distinct day) as days from merchant_day m join tenant t using (tenant_id)"
                " where t.merchant = %s",
                (fresh.merchant_slug,),
            )["days"]
        )

    for _ in range(4):
        assert ask(fresh.courier, fresh.out_for_delivery()).status_code == 201
        clock.advance(days=1)
    assert days() == 2


def test_a_merchant_has_so_many_for_each_purpose(world: World, fresh: Town, quotas: Quotas) -> None:
    policies = quotas(merchant={"deliver": 1})
    courier = through(world, policies, fresh.courier)
    parcels = [fresh.out_for_delivery() for _ in range(2)]
    assert ask(courier, parcels[0]).status_code == 201
    refused = ask(courier, parcels[1])
    assert told(refused) == (429, "merchant_quota")
    assert int(refused.headers["Retry-After"]) >= 1
    assert ask(courier, parcels[1], "contact").status_code == 201
    assert outline(world, waybill=parcels[1])[0] == ("reveal.issue", "deny", "merchant_quota")
    # Another merchant's parcel, by the same carrier's courier.
    neighbour = new_town(world)
    theirs = neighbour.out_for_delivery()
    assert ask(replace(neighbour.courier, app=courier.app), theirs).status_code == 201


def test_a_new_quota_holds_from_the_next_gateway_on_whether_higher_or_lower(
    world: World, fresh: Town, tmp_path: Path
) -> None:
    def courier_with(deliver: int) -> Actor:
        wanted = copy.deepcopy(GENEROUS)
        wanted["reveals_a_day"]["merchant"]["deliver"] = deliver
        return through(world, policies_with(tmp_path / str(deliver), wanted), fresh.courier)

    parcels = [fresh.out_for_delivery() for _ in range(40)]
    many = courier_with(30)
    assert [ask(many, parcel).status_code for parcel in parcels[:31]] == [201] * 30 + [429]
    fewer = courier_with(3)
    assert ask(fewer, parcels[30]).status_code == 429
    more = courier_with(37)
    assert [ask(more, parcel).status_code for parcel in parcels[30:38]] == [201] * 7 + [429]


@pytest.fixture(scope="module")
def two_servers(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    wanted = copy.deepcopy(GENEROUS)
    wanted["reveals_a_day"] = {"courier": 10, "merchant": {"deliver": 10**9, "contact": 7, "sort": 5}}
    policies = policies_with(tmp_path_factory.mktemp("quotas") / "policies", wanted)
    with world.served(policies=policies) as one, world.served(policies=policies) as two:
        yield [one, two]


@pytest.mark.parametrize(
    ("purpose", "quota", "code"), [("deliver", 10, "courier_quota"), ("contact", 7, "merchant_quota")]
)
def test_parallel_requests_in_two_processes_do_not_overrun_a_quota(
    world: World, fresh: Town, two_servers: list[str], purpose: str, quota: int, code: str
) -> None:
    parcels = [fresh.out_for_delivery() for _ in range(24)]
    couriers = [fresh.courier, world.actor("courier", carrier=fresh.carrier_slug)]
    if purpose == "contact":
        # Two of them, so that neither waits for itself alone.
        for parcel in parcels[::2]:
            assert fresh.event(parcel, "out_for_delivery", courier=couriers[1].name).status_code == 201
    with urllib3.PoolManager(maxsize=16) as pool, ThreadPoolExecutor(12) as threads:

        def try_one(position: int) -> str:
            courier = couriers[1] if purpose == "contact" and position % 2 == 0 else fresh.courier
            answer = pool.request(
                "POST",
                f"{two_servers[position // 2 % 2]}/v1/reveals",
                body=orjson.dumps({"waybill_no": parcels[position], "purpose": purpose}),
                headers={"Authorization": f"Bearer {courier.key}", "Content-Type": "application/json"},
                retries=False,
            )
            return str(answer.json().get("code", answer.status))

        answers = Counter(threads.map(try_one, range(len(parcels))))
    assert answers == {"201": quota, code: len(parcels) - quota}
    with world.admin() as conn:
        row = conn.execute(
            "select count(*) as grants from reveal_grant where waybill_no = any (%s)", (parcels,)
        ).fetchone()
    assert row == {"grants": quota}
