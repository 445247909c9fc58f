"""Guarantee 1, attacked. A merchant sees `1******1234` of its platform's token and has 10,000 candidates for it, the
right one among them. Nothing that it may ask tells which."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY

from tests import canaries
from tests.functional.tokens.steps import all_pages, candidates_for, match, search, tokenize
from tests.pages import all_events
from tests.world import Actor, Town, TurnedClock, World, new_town

CANDIDATES = 10_000
QUOTA = 200


def alarms() -> float:
    return REGISTRY.get_sample_value("vault_gateway_search_alarms_total") or 0.0


@pytest.fixture
def shop(world: World) -> Town:
    """A merchant whose day has just begun: nobody else's searches are counted here."""
    return new_town(world)


@pytest.fixture(scope="module")
def attack(world: World) -> tuple[Town, canaries.Person, Any, list[dict[str, Any]]]:
    """A merchant that has tokenised all candidates beside the platform's token."""
    town = new_town(world)
    victim = canaries.person()
    target = town.tokenize(victim, by=town.platform)
    candidates = candidates_for(victim.phone)
    assert victim.phone in candidates
    made = tokenize(town.merchant, *[{"kind": "phone", "value": phone} for phone in candidates])
    assert len(made) == CANDIDATES
    return town, victim, target, made


def test_tokenising_candidates_tells_nothing(attack: tuple[Town, canaries.Person, Any, list[Any]]) -> None:
    _, victim, _, made = attack
    shapes = Counter((one["kind"], one["masked"], tuple(one)) for one in made)
    assert shapes == {("phone", f"1******{victim.phone[-4:]}", ("token", "kind", "masked")): CANDIDATES}


def test_matching_candidates_tells_nothing(attack: tuple[Town, canaries.Person, Any, list[Any]]) -> None:
    """Even with the platform's own name and address beside each candidate."""
    town, _, target, made = attack
    for start in range(0, CANDIDATES, 999):
        tried = [{**target.as_recipient(), "phone": one["token"]} for one in made[start : start + 999]]
        answer = match(town.merchant, target.as_recipient(), *tried)
        assert answer == {"groups": [[n] for n in range(len(tried) + 1)], "missing": []}


def test_looking_at_candidates_tells_nothing(attack: tuple[Town, canaries.Person, Any, list[Any]]) -> None:
    town, victim, target, made = attack
    body = {"tokens": [one["token"] for one in made]}
    views = town.merchant.post("/v1/tokens/lookup", body).get_json()["items"]
    for view in views:
        view.pop("token")
    assert len({repr(view) for view in views}) == 1
    pages = all_pages(town.merchant, "/v1/tokens/search", kind="phone", last4=victim.phone[-4:], limit=500)
    found = Counter((one["origin"], one["masked"]) for page in pages for one in page)
    assert found == {("merchant", made[0]["masked"]): CANDIDATES, ("platform", made[0]["masked"]): 1}
    assert target.phone in {one["token"] for page in pages for one in page}


def test_searching_own_candidates_finds_own_tokens_alone(
    attack: tuple[Town, canaries.Person, Any, list[Any]],
) -> None:
    """Every one is a hit, for the merchant made it, so nothing is counted; and the right one looks like any."""
    town, victim, _, made = attack
    candidates = candidates_for(victim.phone)
    right = candidates.index(victim.phone)
    for at in range(right - 30, right + 30):
        [found] = search(town.merchant, kind="phone", value=candidates[at])
        assert (found["token"], found["origin"]) == (made[at]["token"], "merchant")


def test_searching_candidates_stops_at_the_days_quota_and_rings(shop: Town, auditor: Actor) -> None:
    victim = canaries.person()
    shop.tokenize(victim, by=shop.platform)
    candidates = [phone for phone in candidates_for(victim.phone) if phone != victim.phone]
    # The right one is tried early, among misses that look the same.
    candidates.insert(7, victim.phone)
    rung = alarms()
    answers = [
        shop.merchant.post("/v1/tokens/search", {"kind": "phone", "value": phone})
        for phone in candidates[: QUOTA + 20]
    ]
    assert [answer.status_code for answer in answers] == [200] * QUOTA + [429] * 20
    assert {answer.data for answer in answers[:QUOTA]} == {b'{"items":[]}'}
    assert {len(answer.headers) for answer in answers[:QUOTA]} == {len(answers[0].headers)}
    assert alarms() == rung + 20
    refused = answers[-1]
    assert refused.get_json()["code"] == "rate_limited"
    assert 0 < int(refused.headers["Retry-After"]) <= 86_400
    query = f"action=token.search&actor=key:{shop.merchant.name}"
    events = all_events(auditor, query)
    assert Counter(event["outcome"] for event in events) == {"allow": QUOTA, "deny": 20}
    assert {event["reason"] for event in events if event["outcome"] == "deny"} == {"missed_searches_used_up"}
    # A hit is refused as a miss is: otherwise the 429 itself would tell them apart.
    own = canaries.phone()
    tokenize(shop.merchant, {"kind": "phone", "value": own})
    assert shop.merchant.post("/v1/tokens/search", {"kind": "phone", "value": own}).status_code == 429
    # What the mask shows can still be searched, and the neighbour is not concerned.
    assert search(shop.merchant, kind="phone", last4=own[-4:])


def test_hits_cost_nothing(world: World) -> None:
    town = new_town(world, app=world.gateway(missed_searches_a_day=3))
    phone = canaries.phone()
    [made] = tokenize(town.merchant, {"kind": "phone", "value": phone})
    for _ in range(10):
        assert [one["token"] for one in search(town.merchant, kind="phone", value=phone)] == [made["token"]]


def test_the_quota_is_exact_under_sixteen_threads(world: World) -> None:
    app = world.gateway(missed_searches_a_day=37)
    town = new_town(world, app=app)
    known = canaries.phone()
    tokenize(town.merchant, {"kind": "phone", "value": known})

    def miss(_: int) -> int:
        return town.merchant.post(
            "/v1/tokens/search", {"kind": "phone", "value": canaries.phone()}
        ).status_code

    def hit(_: int) -> int:
        return town.merchant.post("/v1/tokens/search", {"kind": "phone", "value": known}).status_code

    with ThreadPoolExecutor(16) as threads:
        misses = [threads.submit(miss, n) for n in range(30)]
        hits = [threads.submit(hit, n) for n in range(30)]
        assert {one.result() for one in misses + hits} == {200}
        more = Counter(threads.map(miss, range(60)))
    assert more == {200: 7, 429: 53}


def test_a_new_day_gives_a_new_quota(world: World, clock: TurnedClock) -> None:
    town = new_town(world, app=world.gateway(missed_searches_a_day=3))

    def status() -> int:
        body = {"kind": "phone", "value": canaries.phone()}
        return town.merchant.post("/v1/tokens/search", body).status_code

    assert [status() for _ in range(4)] == [200, 200, 200, 429]
    now = clock()
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    clock.offset += midnight - now - timedelta(seconds=30)
    assert status() == 429
    clock.advance(seconds=31)
    assert [status() for _ in range(4)] == [200, 200, 200, 429]
    # A node whose clock is behind does not open the day before again.
    clock.advance(seconds=-60)
    assert status() == 429


def test_one_merchants_misses_are_not_anothers(world: World) -> None:
    app = world.gateway(missed_searches_a_day=1)
    one = new_town(world, app=app)
    other = new_town(world, platform_slug=one.platform_slug, app=app)
    for town in (one, other):
        body = {"kind": "phone", "value": canaries.phone()}
        answers = [town.merchant.post("/v1/tokens/search", body).status_code for _ in range(2)]
        assert answers == [200, 429]


def test_a_value_that_cannot_exist_is_refused_and_not_counted(world: World) -> None:
    """Values that cannot exist are refused before anything is looked up; the codes say what Google's metadata
    say, whoever lives there."""
    town = new_town(world, app=world.gateway(missed_searches_a_day=1))
    for _ in range(3):
        answer = town.merchant.post("/v1/tokens/search", {"kind": "phone", "value": "19900"})
        assert answer.get_json()["code"] == "phone_invalid"
    assert search(town.merchant, kind="phone", value=canaries.phone()) == []


def test_a_waybill_of_mixed_tokens_tells_nothing(
    attack: tuple[Town, canaries.Person, Any, list[Any]],
) -> None:
    town, victim, target, made = attack
    right = candidates_for(victim.phone).index(victim.phone)
    answers = []
    for at in (right, right + 1, 0):
        recipient = {**target.as_recipient(), "phone": made[at]["token"]}
        body = {"network": "douyin", "carrier": town.carrier_slug, "recipient": recipient}
        answers.append(town.merchant.post("/v1/waybills", body))
    assert [answer.status_code for answer in answers] == [201] * 3
    shapes = []
    for answer in answers:
        body = answer.get_json()
        shapes.append(
            (sorted(body), body["state"], {k: v for k, v in body["recipient"].items() if k != "tokens"})
        )
    assert str(shapes[0]).replace(made[right]["token"], "") == str(shapes[1]).replace(
        made[right + 1]["token"], ""
    )


def test_merging_candidates_tells_nothing(attack: tuple[Town, canaries.Person, Any, list[Any]]) -> None:
    """What match does not tell, a batch of parcels does not either; and no search is counted for it."""
    town, victim, target, made = attack
    right = candidates_for(victim.phone).index(victim.phone)
    tried = [made[at]["token"] for at in range(right - 300, right + 300)]
    items = [
        {
            "network": "douyin",
            "carrier": town.carrier_slug,
            "recipient": {**target.as_recipient(), "phone": phone},
        }
        for phone in (target.phone, *tried)
    ]
    answer = town.merchant.post("/v1/waybills", {"merge": True, "items": items})
    assert answer.status_code == 201
    answers = answer.get_json()["items"]
    assert len({one["waybill_no"] for one in answers}) == len(items)
    shapes = [(sorted(one), one["recipient"], sorted(one["label"])) for one in answers]
    assert all(shape == shapes[0] for shape in shapes)
