"""What was decided, and by which policy, is in the audit row of everything that was done or refused."""

from __future__ import annotations

from typing import Any

from tests import canaries
from tests.world import Actor, Town, TurnedClock


def events(auditor: Actor, **filters: str) -> list[dict[str, Any]]:
    query = "&".join(f"{name}={value}" for name, value in filters.items())
    answer = auditor.get(f"/v1/audit/events?limit=200&{query}")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.get_json()["items"]
    return items


def test_each_step_of_a_parcels_life_names_the_policy_that_permitted_it(town: Town, auditor: Actor) -> None:
    waybill_no = town.out_for_delivery()
    courier = town.courier
    body = {"waybill_no": waybill_no, "purpose": "deliver", "claim": True}
    opened = courier.post("/v1/reveals", body).get_json()
    reveal = opened["reveal_id"]
    assert courier.post(f"/v1/reveals/{reveal}/ack", {"ack_code": opened["ack_code"]}).status_code == 200
    again = courier.post("/v1/reveals", {"waybill_no": waybill_no, "purpose": "contact"}).get_json()
    assert town.carrier.post(f"/v1/reveals/{again['reveal_id']}/revoke").status_code == 200
    assert town.event(waybill_no, "delivered").status_code == 201

    told = {(event["action"], *event["policies"]) for event in events(auditor, waybill=waybill_no)}

    assert told >= {
        ("waybill.create", "merchant-own-ground"),
        ("waybill.event", "carrier-own-parcels"),
        ("reveal.issue", "courier-reveals-assigned-parcels"),
        ("reveal.claim", "courier-reveals-assigned-parcels"),
        ("reveal.ack", "courier-own-grants"),
        ("reveal.revoke", "carrier-revokes-own-grants"),
    }


def test_nothing_is_allowed_in_the_log_without_a_policy(town: Town, auditor: Actor) -> None:
    tokens = town.tokenize(canaries.person())
    waybill_no = town.waybill(tokens)
    merchant, carrier = town.merchant, town.carrier
    other = town.tokenize(canaries.person())
    changed = merchant.patch(f"/v1/waybills/{waybill_no}", {"recipient": other.as_recipient()})
    assert changed.status_code == 200, changed.text
    assert merchant.post(f"/v1/waybills/{waybill_no}/cancel").status_code == 200
    assert merchant.post("/v1/tokens/search", {"kind": "phone", "last4": "0000"}).status_code == 200
    assert merchant.post("/v1/tokens/match", {"recipients": [other.as_recipient()]}).status_code == 200
    assert merchant.delete(f"/v1/tokens/{tokens.name}").status_code in (200, 204)
    registered = carrier.post("/v1/couriers", {"handle": "zhao", "phone": canaries.phone()})
    assert registered.status_code in (200, 201), registered.text
    assert carrier.delete("/v1/couriers/zhao").status_code in (200, 204)

    mine = [event for actor in (merchant, carrier) for event in events(auditor, actor=f"key:{actor.name}")]
    allowed = [event for event in mine if event["outcome"] == "allow"]

    assert {event["action"] for event in allowed} >= {
        "token.create",
        "token.search",
        "token.match",
        "token.erase",
        "waybill.create",
        "waybill.correct",
        "waybill.cancel",
        "courier.register",
        "courier.remove",
    }
    # Values go out in a transaction of their own, after the claim that was decided.
    silent = {event["action"] for event in allowed if not event["policies"]} - {"reveal.release"}
    assert silent == set()


def test_a_denial_names_the_policy_that_forbade_it_and_none_where_nothing_permitted_it(
    town: Town, elsewhere: Town, auditor: Actor, clock: TurnedClock
) -> None:
    waybill_no = town.out_for_delivery()
    wanted = {"waybill_no": waybill_no, "purpose": "deliver"}
    assert elsewhere.courier.post("/v1/reveals", wanted).status_code == 404
    assert town.courier.post("/v1/reveals", {**wanted, "purpose": "sort"}).status_code == 403
    clock.advance(days=2)
    assert town.courier.post("/v1/reveals", wanted).status_code == 403

    denied = [
        (event["reason"], event["policies"])
        for event in events(auditor, waybill=waybill_no, action="reveal.issue", outcome="deny")
    ]

    assert denied == [
        ("delivery_window_over", ["delivery_window_over"]),
        ("not_permitted", []),
        ("not_permitted", []),
    ]


def test_a_denial_on_anothers_ground_is_recorded_and_tells_the_caller_nothing(
    town: Town, elsewhere: Town, auditor: Actor
) -> None:
    body = {"kind": "phone", "last4": "0000", "merchant": elsewhere.merchant_slug}
    unknown = town.merchant.post("/v1/tokens/search", {**body, "merchant": "nobody-of-that-name"})
    foreign = town.merchant.post("/v1/tokens/search", body)

    assert foreign.status_code == unknown.status_code == 404
    strip = ("request_id",)
    assert {k: v for k, v in foreign.get_json().items() if k not in strip} == {
        k: v for k, v in unknown.get_json().items() if k not in strip
    }
    denied = events(auditor, actor=f"key:{town.merchant.name}", action="token.search", outcome="deny")
    assert [(event["reason"], event["policies"]) for event in denied] == [("not_permitted", [])] * 2
