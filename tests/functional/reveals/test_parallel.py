"""Many at once, over two server processes: one opens, one is issued, and no limit is passed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tests import canaries
from tests.functional.reveals.at_once import at_once, post
from tests.functional.reveals.steps import ask, claim, events, issued, opened, outline, public, row, state
from tests.world import Town, World


@pytest.fixture(scope="module")
def servers(world: World) -> Iterator[list[str]]:
    with world.served() as one, world.served() as two:
        yield [one, two]


def test_64_claims_over_two_processes_open_once(world: World, town: Town, servers: list[str]) -> None:
    other = world.actor("courier", carrier=town.carrier_slug)
    waybill_no = town.out_for_delivery()
    reveal = issued(town.courier, waybill_no)
    # Every eighth is somebody else's try.
    tries = [other if number % 8 == 7 else town.courier for number in range(64)]

    answers = at_once(
        64, lambda number: post(servers[number % 2], tries[number], f"/v1/reveals/{reveal}/claim", {})
    )
    assert Counter(status for status, _ in answers) == {200: 1, 409: 55, 404: 8}
    assert [status for (status, _), who in zip(answers, tries, strict=True) if who is other] == [404] * 8
    assert row(world, reveal)["released"] == 1
    assert state(town.courier, reveal) == ("claimed", 1)
    told = Counter(outline(world, waybill=waybill_no))
    assert told[("reveal.release", "allow", None)] == 1
    assert told[("reveal.claim", "deny", "not_yours")] == 8
    # Each of the other 55 was refused before anything was decrypted, or when it came second to the release.
    refused = (
        told[("reveal.claim", "deny", "spent_claimed")] + told[("reveal.release", "deny", "spent_claimed")]
    )
    assert refused == 55
    requests = {event["request_id"] for event in events(world, waybill=waybill_no)}
    assert len(requests) == 65


def test_16_sealed_claims_at_once_open_four_times(world: World, town: Town, servers: list[str]) -> None:
    body = {"public_key": public(X25519PrivateKey.generate())}
    reveal = issued(town.courier, town.out_for_delivery())
    answers = at_once(
        16, lambda number: post(servers[number % 2], town.courier, f"/v1/reveals/{reveal}/claim", body)
    )
    assert Counter(status for status, _ in answers) == {200: 4, 409: 12}
    assert len(row(world, reveal)["ack_digests"]) == 4


def test_20_issues_for_one_parcel_make_one_grant(world: World, town: Town, servers: list[str]) -> None:
    waybill_no = town.out_for_delivery()
    body = {"waybill_no": waybill_no, "purpose": "deliver"}
    answers = at_once(20, lambda number: post(servers[number % 2], town.courier, "/v1/reveals", body))
    assert Counter(status for status, _ in answers) == {201: 1, 409: 19}
    assert {answer["code"] for status, answer in answers if status == 409} == {"reveal_live"}
    assert Counter(outline(world, waybill=waybill_no)) == {
        ("reveal.issue", "allow", None): 1,
        ("reveal.issue", "deny", "reveal_live"): 19,
    }


def test_one_live_grant_for_each_purpose_and_courier(town: Town) -> None:
    other = town.world.actor("courier", carrier=town.carrier_slug)
    waybill_no = town.out_for_delivery()
    assert ask(town.courier, waybill_no, "deliver").status_code == 201
    assert ask(town.courier, waybill_no, "contact").status_code == 201
    for purpose in ("deliver", "contact"):
        answer = ask(town.courier, waybill_no, purpose)
        assert (answer.status_code, answer.get_json()["code"]) == (409, "reveal_live")
    town.event(waybill_no, "out_for_delivery", courier=other.name)
    assert ask(other, waybill_no, "deliver").status_code == 201


def test_the_limit_of_a_parcel_is_exact_under_concurrency(
    world: World, town: Town, servers: list[str]
) -> None:
    """12 in a parcel's life (`purposes.yaml`); what was certainly not disclosed does not count."""
    waybill_no = town.out_for_delivery()
    given_back = issued(town.courier, waybill_no)
    assert town.carrier.post(f"/v1/reveals/{given_back}/revoke").status_code == 200
    for _ in range(11):
        assert ask(town.courier, waybill_no, claim=True).status_code == 201

    # One is left, and two purposes race for it: neither is in the other's way but for the limit.
    both = [
        {"waybill_no": waybill_no, "purpose": purpose, "claim": True} for purpose in ("deliver", "contact")
    ]
    answers = at_once(
        16, lambda number: post(servers[number % 2], town.courier, "/v1/reveals", both[number // 2 % 2])
    )
    codes = Counter(answer.get("code", "opened") for _, answer in answers)
    assert codes["opened"] == 1, codes
    assert codes["reveal_limit"] >= 8
    assert set(codes) <= {"opened", "reveal_limit", "reveal_live"}
    answer = ask(town.courier, waybill_no)
    assert (answer.status_code, answer.get_json()["code"]) == (429, "reveal_limit")
    assert answer.headers["Retry-After"] == "86400"


def test_the_limit_of_a_token_is_exact_over_parcels(world: World, town: Town, servers: list[str]) -> None:
    """24 in a token's life, whichever parcels it is on."""
    tokens = town.tokenize(canaries.person())
    waybills = [town.out_for_delivery(tokens) for _ in range(4)]
    for waybill_no, times in zip(waybills, (8, 7, 7), strict=False):
        for _ in range(times):
            assert ask(town.courier, waybill_no, claim=True).status_code == 201

    bodies = [{"waybill_no": waybill_no, "purpose": "deliver", "claim": True} for waybill_no in waybills]
    answers = at_once(
        12, lambda number: post(servers[number % 2], town.courier, "/v1/reveals", bodies[number % 4])
    )
    codes = Counter(answer.get("code", "opened") for _, answer in answers)
    assert codes["opened"] == 2, codes
    for waybill_no in waybills:
        assert ask(town.courier, waybill_no).get_json()["code"] == "reveal_limit"
        # The phone is another token and has a life of its own.
        assert ask(town.courier, waybill_no, "contact").status_code == 201


def test_redeliveries_of_one_grant_count_once(town: Town) -> None:
    key = X25519PrivateKey.generate()
    waybill_no = town.out_for_delivery()
    for _ in range(12):
        reveal = issued(town.courier, waybill_no)
        for _ in range(4):
            opened(claim(town.courier, reveal, key), key)
    assert ask(town.courier, waybill_no).get_json()["code"] == "reveal_limit"
