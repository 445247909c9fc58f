"""Sealed reveals over HTTP: one key opens them, a lost answer is fetched again, within limits."""

from __future__ import annotations

import base64

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tests import canaries
from tests.functional.reveals.steps import ack, ask, claim, issued, opened, outline, public, state, told
from tests.world import Town, TurnedClock, World
from vault_gateway.reveals.seal import unseal

SPENT = (409, "reveal_spent")


@pytest.fixture
def key() -> X25519PrivateKey:
    return X25519PrivateKey.generate()


def test_only_the_holder_of_the_key_reads_the_answer(town: Town, key: X25519PrivateKey) -> None:
    someone = canaries.person()
    waybill_no = town.out_for_delivery(town.tokenize(someone))
    reveal = issued(town.courier, waybill_no)
    answer = claim(town.courier, reveal, key)
    inside = opened(answer, key)
    assert inside["fields"] == {"name": someone.name, "address": {"country": "CN", **someone.address}}
    assert not list(canaries.leaks(answer.data))
    sealed = answer.get_json()["sealed"]
    with pytest.raises(InvalidTag):
        unseal(X25519PrivateKey.generate(), reveal, sealed)
    with pytest.raises(InvalidTag):
        unseal(key, issued(town.courier, town.out_for_delivery()), sealed)


def test_a_lost_answer_is_sealed_anew_four_times_in_all(
    world: World, town: Town, key: X25519PrivateKey
) -> None:
    waybill_no = town.out_for_delivery()
    reveal = issued(town.courier, waybill_no)
    answers = [claim(town.courier, reveal, key) for _ in range(4)]
    inside = [opened(answer, key) for answer in answers]
    assert len({answer.get_json()["sealed"]["enc"] for answer in answers}) == 4
    assert len({one["ack_code"] for one in inside}) == 4
    assert all(one["fields"] == inside[0]["fields"] for one in inside)
    assert state(town.courier, reveal) == ("claimed", 4)
    assert told(claim(town.courier, reveal, key)) == SPENT
    assert outline(world, waybill=waybill_no)[1:] == [
        *[("reveal.claim", "allow", None), ("reveal.release", "allow", None)] * 4,
        ("reveal.claim", "deny", "spent_claimed"),
    ]
    # Any code that came with any of the answers tells that the values are there.
    assert ack(town.courier, reveal, inside[1]["ack_code"]).get_json()["state"] == "delivered"
    assert ack(town.courier, reveal, inside[3]["ack_code"]).status_code == 200


def test_redelivery_ends_120_seconds_after_the_first(
    town: Town, clock: TurnedClock, key: X25519PrivateKey
) -> None:
    reveal = issued(town.courier, town.out_for_delivery())
    clock.advance(seconds=50)
    opened(claim(town.courier, reveal, key), key)
    clock.advance(seconds=115)
    opened(claim(town.courier, reveal, key), key)
    assert state(town.courier, reveal) == ("claimed", 2)
    clock.advance(seconds=6)
    assert told(claim(town.courier, reveal, key)) == SPENT
    assert state(town.courier, reveal) == ("unconfirmed", 2)


def test_the_first_claim_decides_who_can_come_again(town: Town, key: X25519PrivateKey) -> None:
    other = X25519PrivateKey.generate()
    reveal = issued(town.courier, town.out_for_delivery())
    opened(claim(town.courier, reveal, key), key)
    assert told(claim(town.courier, reveal, other)) == SPENT
    assert told(claim(town.courier, reveal)) == SPENT
    opened(claim(town.courier, reveal, key), key)

    unsealed = issued(town.courier, town.out_for_delivery())
    assert claim(town.courier, unsealed).status_code == 200
    assert told(claim(town.courier, unsealed, key)) == SPENT
    assert told(claim(town.courier, unsealed)) == SPENT


def test_a_key_at_issue_is_the_only_one_that_claims(world: World, town: Town, key: X25519PrivateKey) -> None:
    waybill_no = town.out_for_delivery()
    reveal = issued(town.courier, waybill_no, public_key=public(key))
    assert told(claim(town.courier, reveal)) == SPENT
    assert told(claim(town.courier, reveal, X25519PrivateKey.generate())) == SPENT
    opened(claim(town.courier, reveal, key), key)
    assert ("reveal.claim", "deny", "spent_issued") in outline(world, waybill=waybill_no)


def test_one_round_trip_seals_to_the_key_of_the_request(town: Town, key: X25519PrivateKey) -> None:
    answer = ask(town.courier, town.out_for_delivery(), public_key=public(key), claim=True)
    assert answer.status_code == 201
    assert opened(answer, key)["fields"].keys() == {"name", "address"}


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "AAAA",
        base64.b64encode(bytes(32)).decode(),
        base64.b64encode(b"\x01" + bytes(31)).decode(),
        base64.b64encode(bytes(33)).decode(),
        17,
        None,
    ],
)
def test_a_key_that_is_none_changes_nothing(town: Town, wrong: object) -> None:
    reveal = issued(town.courier, town.out_for_delivery())
    answer = town.courier.post(f"/v1/reveals/{reveal}/claim", {"public_key": wrong})
    assert told(answer) == (422, "validation_failed")
    assert state(town.courier, reveal) == ("issued", 0)
    assert told(ask(town.courier, town.out_for_delivery(), public_key=wrong)) == (422, "validation_failed")
