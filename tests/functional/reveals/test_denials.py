"""Who may not, when not, and what each hears; all of it on record."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tests import canaries
from tests.functional.reveals.steps import ack, ask, claim, events, issued, outline, state, told
from tests.world import Actor, Town, TurnedClock, World, unique
from vault_gateway.identity import store as identity_store
from vault_gateway.ids import base32, new_id
from vault_gateway.model import rfc3339

NOT_FOUND = (404, "not_found")
SPENT = (409, "reveal_spent")

Someone = Callable[[Town, Town], Actor]
STRANGERS: list[Someone] = [
    lambda town, elsewhere: town.world.actor("courier", carrier=town.carrier_slug),
    lambda town, elsewhere: elsewhere.courier,
    lambda town, elsewhere: town.station,
    lambda town, elsewhere: town.carrier,
    lambda town, elsewhere: town.merchant,
    lambda town, elsewhere: town.platform,
    lambda town, elsewhere: elsewhere.merchant,
    lambda town, elsewhere: town.world.actor("auditor"),
    lambda town, elsewhere: town.world.actor("operator"),
    lambda town, elsewhere: town.world.actor("telecom"),
]


def without_request_id(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "request_id"}


@pytest.mark.parametrize("who", range(len(STRANGERS)))
def test_to_anyone_but_the_grantee_a_reveal_is_an_unknown_one(
    world: World, town: Town, elsewhere: Town, clock: TurnedClock, who: int
) -> None:
    stranger = STRANGERS[who](town, elsewhere)
    unknown = f"rv_{base32(new_id(clock()))}"
    ids = [unknown, "rv_", "x", issued(town.courier, town.out_for_delivery())]
    waybill_no = town.out_for_delivery()
    spent = issued(town.courier, waybill_no)
    code = claim(town.courier, spent).get_json()["ack_code"]
    expired = issued(town.courier, town.out_for_delivery())
    clock.advance(seconds=61)
    bodies = []
    for reveal in (*ids, spent, expired):
        answers = [claim(stranger, reveal), ack(stranger, reveal, code)]
        assert [told(answer) for answer in answers] == [NOT_FOUND, NOT_FOUND]
        bodies += [without_request_id(answer.get_json()) for answer in answers]
    assert all(body == bodies[0] for body in bodies)
    assert outline(world, waybill=waybill_no)[-2:] == [
        ("reveal.claim", "deny", "not_yours"),
        ("reveal.ack", "deny", "not_yours"),
    ]
    assert (
        outline(world, actor=f"key:{stranger.name}", reason="unknown_reveal")
        == [
            ("reveal.claim", "deny", "unknown_reveal"),
            ("reveal.ack", "deny", "unknown_reveal"),
        ]
        * 3
    )
    assert told(claim(town.courier, spent)) == told(claim(town.courier, expired)) == SPENT


@pytest.mark.parametrize("who", range(len(STRANGERS)))
@pytest.mark.parametrize("purpose", ["deliver", "contact", "sort"])
def test_nobody_else_is_given_a_reveal(
    world: World, town: Town, elsewhere: Town, who: int, purpose: str
) -> None:
    stranger = STRANGERS[who](town, elsewhere)
    waybill_no = town.out_for_delivery()
    may_see = stranger.get(f"/v1/waybills/{waybill_no}").status_code == 200
    answer = ask(stranger, waybill_no, purpose, claim=True)
    assert told(answer) == ((403, "forbidden") if may_see else NOT_FOUND)
    [denial] = events(world, waybill=waybill_no, action="reveal.issue")
    assert (denial["outcome"], denial["reason"]) == ("deny", "not_permitted")
    assert denial["policies"] == []
    assert denial["purpose"] == purpose
    unknown = ask(stranger, "NOSUCH-00000001", purpose)
    assert told(unknown) == NOT_FOUND
    if not may_see:
        assert without_request_id(unknown.get_json()) == without_request_id(answer.get_json())


@pytest.mark.parametrize("purpose", ["sort"])
def test_a_courier_has_no_purpose_of_stations(town: Town, purpose: str) -> None:
    assert told(ask(town.courier, town.out_for_delivery(), purpose)) == (403, "forbidden")


@pytest.mark.parametrize("purpose", ["deliver", "contact"])
def test_a_station_has_no_purpose_of_couriers(town: Town, purpose: str) -> None:
    waybill_no = town.waybill()
    town.event(waybill_no, "accepted")
    town.event(waybill_no, "at_station", station=town.station_slug)
    assert told(ask(town.station, waybill_no, purpose)) == (403, "forbidden")
    assert ask(town.station, waybill_no, "sort").status_code == 201


@pytest.mark.parametrize(
    ("purpose", "fields"),
    [
        ("deliver", ["phone"]),
        ("deliver", ["name", "phone"]),
        ("deliver", ["name", "address", "street"]),
        ("contact", ["name"]),
        ("contact", ["phone", "address"]),
    ],
)
def test_a_field_beyond_the_purpose_is_refused_and_not_trimmed(
    world: World, town: Town, purpose: str, fields: list[str]
) -> None:
    waybill_no = town.out_for_delivery()
    answer = ask(town.courier, waybill_no, purpose, fields=fields, claim=True)
    assert told(answer) == (403, "field_not_allowed")
    [denial] = events(world, waybill=waybill_no)
    assert (denial["reason"], denial["fields"]) == ("field_not_allowed", fields)
    assert ask(town.courier, waybill_no, purpose).status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        {"fields": []},
        {"fields": ["email"]},
        {"fields": "name"},
        {"purpose": "marketing"},
        {"waybill_no": 7},
        {"waybill_no": "x" * 65},
        {"claim": 1},
        {"state": "claimed"},
        {"released": 0},
        {"tenant_id": "x"},
    ],
)
def test_a_request_of_another_shape_makes_nothing(town: Town, body: dict[str, Any]) -> None:
    waybill_no = town.out_for_delivery()
    answer = town.courier.post("/v1/reveals", {"waybill_no": waybill_no, "purpose": "deliver", **body})
    assert told(answer) == (422, "validation_failed")
    assert ask(town.courier, waybill_no).status_code == 201


def test_too_early_is_not_yet_the_couriers(town: Town) -> None:
    waybill_no = town.waybill()
    town.event(waybill_no, "accepted")
    assert told(ask(town.courier, waybill_no)) == NOT_FOUND


def test_after_a_failed_attempt_and_after_delivery_it_is_over(world: World, town: Town) -> None:
    for ending in ("failed_attempt", "delivered"):
        waybill_no = town.out_for_delivery()
        reveal = issued(town.courier, waybill_no)
        assert town.event(waybill_no, ending).status_code == 201
        assert told(claim(town.courier, reveal)) == (403, "not_out_for_delivery")
        assert told(ask(town.courier, waybill_no)) == (403, "not_out_for_delivery")
        assert state(town.courier, reveal) == ("issued", 0)
        denials = events(world, waybill=waybill_no, outcome="deny")
        assert [denial["reason"] for denial in denials] == ["not_out_for_delivery"] * 2
        assert all("not_out_for_delivery" in denial["policies"] for denial in denials)


def test_the_window_ends_what_was_issued_in_it(world: World, town: Town, clock: TurnedClock) -> None:
    waybill_no = town.waybill()
    town.event(waybill_no, "accepted")
    by = rfc3339(clock() + timedelta(seconds=40))
    town.event(waybill_no, "out_for_delivery", courier=town.courier.name, deliver_by=by)
    reveal = issued(town.courier, waybill_no)
    clock.advance(seconds=42)
    assert told(claim(town.courier, reveal)) == (403, "delivery_window_over")
    assert told(ask(town.courier, waybill_no)) == (403, "delivery_window_over")
    assert [denial["policies"] for denial in events(world, waybill=waybill_no, outcome="deny")] == [
        ["delivery_window_over"]
    ] * 2


def test_a_reassigned_parcel_is_no_longer_the_old_couriers(town: Town) -> None:
    other = town.world.actor("courier", carrier=town.carrier_slug)
    waybill_no = town.out_for_delivery()
    reveal = issued(town.courier, waybill_no)
    assert town.event(waybill_no, "out_for_delivery", courier=other.name).status_code == 201
    assert told(claim(town.courier, reveal)) == (403, "forbidden")
    assert told(ask(town.courier, waybill_no)) == NOT_FOUND
    assert told(claim(other, reveal)) == NOT_FOUND
    assert ask(other, waybill_no, claim=True).status_code == 201
    assert state(town.courier, reveal) == ("issued", 0)


def test_a_redelivery_ends_with_the_assignment_too(town: Town) -> None:
    key = X25519PrivateKey.generate()
    waybill_no = town.out_for_delivery()
    reveal = issued(town.courier, waybill_no)
    assert claim(town.courier, reveal, key).status_code == 200
    assert town.event(waybill_no, "delivered").status_code == 201
    assert told(claim(town.courier, reveal, key)) == (403, "not_out_for_delivery")


def test_a_removed_courier_and_a_revoked_client_claim_nothing(world: World, town: Town) -> None:
    """Within 5 s everywhere: here with the edge's memory of the key still warm."""
    for end in ("removed", "revoked"):
        courier = world.actor("courier", carrier=town.carrier_slug, name=unique("gone"))
        waybill_no = town.waybill()
        town.event(waybill_no, "accepted")
        town.event(waybill_no, "out_for_delivery", courier=courier.name)
        reveal = issued(courier, waybill_no)
        if end == "removed":
            assert town.carrier.delete(f"/v1/couriers/{courier.name}").status_code == 204
        else:
            with world.admin() as conn:
                assert identity_store.revoke_client(conn, courier.name, world.clock())
        time.sleep(3.2)
        assert told(claim(courier, reveal)) == (401, "unauthenticated")
        assert told(ask(courier, waybill_no)) == (401, "unauthenticated")
        assert state(town.carrier, reveal) == ("issued", 0)


def test_an_erased_token_opens_nothing(world: World, town: Town) -> None:
    tokens = town.tokenize(canaries.person())
    waybill_no = town.out_for_delivery(tokens)
    reveal = issued(town.courier, waybill_no)
    assert town.merchant.delete(f"/v1/tokens/{tokens.address}").status_code == 204
    assert told(claim(town.courier, reveal)) == NOT_FOUND
    assert told(ask(town.courier, waybill_no)) == NOT_FOUND
    assert ask(town.courier, waybill_no, "contact").status_code == 201
    reasons = [event["reason"] for event in events(world, waybill=waybill_no, outcome="deny")]
    assert reasons == ["erased", "erased"]
