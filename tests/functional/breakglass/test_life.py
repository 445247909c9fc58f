"""One asks, another approves, the one who asked opens, sealed; and every step is on record."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tests import canaries
from tests.functional.breakglass.steps import (
    AGREED,
    WHY,
    approve,
    approved,
    ask,
    asked,
    events,
    look,
    opened_by,
    outline,
)
from tests.functional.reveals.steps import ack, claim, opened, state, told
from tests.responders import Desk
from tests.world import Actor, Town, TurnedClock, World


def test_two_responders_open_a_parcels_recipient(
    world: World, town: Town, desk: Desk, mei: Actor, lan: Actor
) -> None:
    someone = canaries.person()
    waybill_no = town.waybill(town.tokenize(someone))
    request = asked(mei, waybill_no)
    assert look(mei, request)["state"] == look(lan, request)["state"] == "requested"

    answer = approve(lan, request)
    assert answer.status_code == 200, answer.text
    body = answer.get_json()
    assert body["approval"]["approved_by"] == desk.id_of(lan)
    assert (body["state"], body["reveal"]["state"]) == ("approved", "issued")
    reveal = body["reveal"]["reveal_id"]
    assert look(mei, request) == body

    inside = opened_by(mei, reveal)
    assert inside["fields"]["name"] == someone.name
    assert inside["fields"]["phone"] == someone.e164
    assert inside["fields"]["address"]["detail"] == someone.detail
    assert ack(mei, reveal, inside["ack_code"]).get_json()["state"] == "delivered"
    assert look(lan, request)["reveal"]["state"] == "delivered"
    assert outline(world, waybill=waybill_no) == [
        ("breakglass.request", "allow", None),
        ("breakglass.approve", "allow", None),
        ("breakglass.claim", "allow", None),
        ("breakglass.release", "allow", None),
        ("breakglass.ack", "allow", None),
    ]


def test_the_log_holds_what_an_auditor_and_a_recipients_receipt_need(
    world: World, town: Town, desk: Desk, mei: Actor, lan: Actor
) -> None:
    waybill_no = town.waybill(order="SO-77")
    reveal = approved(lan, asked(mei, waybill_no))
    opened_by(mei, reveal)
    request, approval, claimed, released = events(world, waybill=waybill_no)
    assert request["actor"] == claimed["actor"] == released["actor"] == desk.id_of(mei)
    assert approval["actor"] == desk.id_of(lan)
    assert (request["detail"], approval["detail"]) == ({"justification": WHY}, {"justification": AGREED})
    for event in (request, approval, claimed, released):
        assert (event["role"], event["purpose"], event["order"], event["carrier"], event["merchant"]) == (
            "responder",
            "break_glass",
            "SO-77",
            town.carrier_slug,
            town.merchant_slug,
        )
    assert claimed["fields"] == released["fields"] == ["name", "phone", "address"]
    assert request["policies"] == ["responder-asks"]
    assert approval["policies"] == ["responder-colleagues"]
    assert claimed["policies"] == ["responder-opens-own"]


@pytest.mark.parametrize("final", ["delivered", "returned", "created"])
def test_it_works_in_any_state_of_the_parcel(town: Town, mei: Actor, lan: Actor, final: str) -> None:
    waybill_no = town.waybill() if final == "created" else town.out_for_delivery()
    if final != "created":
        assert town.event(waybill_no, final).status_code == 201
    assert opened_by(mei, approved(lan, asked(mei, waybill_no)))["fields"].keys() == {
        "name",
        "phone",
        "address",
    }


@pytest.mark.parametrize("field", ["name", "phone", "address"])
def test_a_token_opens_that_token_alone(world: World, town: Town, mei: Actor, lan: Actor, field: str) -> None:
    someone = canaries.person()
    token = town.tokenize(someone).as_recipient()[field]
    request = asked(mei, token=token)
    assert look(lan, request)["token"] == token
    reveal = approved(lan, request)
    fields = opened_by(mei, reveal)["fields"]
    assert fields.keys() == {field}
    assert (someone.name in str(fields), someone.phone in str(fields), someone.detail in str(fields)) == (
        field == "name",
        field == "phone",
        field == "address",
    )
    assert mei.get(f"/v1/reveals/{reveal}").get_json()["token"] == token
    assert [action for action, _, _ in outline(world, token=token)] == [
        "breakglass.request",
        "breakglass.approve",
        "breakglass.claim",
        "breakglass.release",
    ]


def test_it_is_sealed_or_it_is_not_opened(town: Town, mei: Actor, lan: Actor) -> None:
    reveal = approved(lan, asked(mei, town.waybill()))
    assert told(claim(mei, reveal)) == (422, "public_key_required")
    assert state(mei, reveal) == ("issued", 0)
    key, other = X25519PrivateKey.generate(), X25519PrivateKey.generate()
    first = opened(claim(mei, reveal, key), key)
    assert opened(claim(mei, reveal, key), key)["fields"] == first["fields"]
    assert told(claim(mei, reveal, other)) == (409, "reveal_spent")
    assert told(claim(mei, reveal)) == (422, "public_key_required")


def test_an_approval_opens_for_15_minutes(town: Town, clock: TurnedClock, mei: Actor, lan: Actor) -> None:
    early, late = (approved(lan, asked(mei, town.waybill())) for _ in range(2))
    clock.advance(minutes=14, seconds=50)
    opened_by(mei, early)
    clock.advance(seconds=20)
    assert told(claim(mei, late, X25519PrivateKey.generate())) == (409, "reveal_spent")
    assert state(mei, late) == ("expired", 0)


def test_a_colleague_or_an_operator_calls_it_back(world: World, town: Town, mei: Actor, lan: Actor) -> None:
    for who in (lan, world.actor("operator")):
        reveal = approved(lan, asked(mei, town.waybill()))
        assert who.post(f"/v1/reveals/{reveal}/revoke").status_code == 200
        assert told(claim(mei, reveal, X25519PrivateKey.generate())) == (409, "reveal_spent")
    reveal = approved(lan, asked(mei, town.waybill()))
    assert told(town.carrier.post(f"/v1/reveals/{reveal}/revoke")) == (404, "not_found")


def test_the_recipients_of_now_are_opened(town: Town, mei: Actor, lan: Actor) -> None:
    """A parcel's recipient that was corrected between request and approval."""
    waybill_no = town.waybill()
    request = asked(mei, waybill_no)
    someone = canaries.person()
    body = {"recipient": town.tokenize(someone).as_recipient()}
    assert town.merchant.patch(f"/v1/waybills/{waybill_no}", body).status_code == 200
    assert opened_by(mei, approved(lan, request))["fields"]["name"] == someone.name


def test_no_answer_is_stored_for_a_repeated_request(world: World, town: Town, mei: Actor) -> None:
    waybill_no, header = town.waybill(), {"Idempotency-Key": "k-0001"}
    body = {"waybill_no": waybill_no, "reason": WHY}
    ids = {mei.post("/v1/break-glass", body, headers=header).get_json()["break_glass_id"] for _ in range(2)}
    assert len(ids) == 2
    with world.admin() as conn:
        kept = conn.execute("select 1 from idempotency where principal like 'jwt:%%' and key = 'k-0001'")
        assert kept.fetchone() is None


def test_a_courier_reveals_the_same_parcel_as_ever(town: Town, mei: Actor, lan: Actor) -> None:
    waybill_no = town.out_for_delivery()
    approved(lan, asked(mei, waybill_no))
    answer = town.courier.post("/v1/reveals", {"waybill_no": waybill_no, "purpose": "deliver", "claim": True})
    assert answer.status_code == 201, answer.text


def test_no_courier_asks_for_it_as_a_purpose(town: Town) -> None:
    answer = town.courier.post(
        "/v1/reveals", {"waybill_no": town.out_for_delivery(), "purpose": "break_glass"}
    )
    assert told(answer) == (422, "validation_failed")
    assert told(ask(town.courier, town.out_for_delivery())) == (403, "forbidden")
