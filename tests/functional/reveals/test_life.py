"""A grant from its issue to its end, over HTTP, with the clock turned."""

from __future__ import annotations

import hashlib

import pytest

from tests import canaries
from tests.functional.reveals.steps import (
    CLAIM_ANSWER,
    ack,
    ask,
    claim,
    issued,
    outline,
    row,
    state,
    told,
)
from tests.world import Town, TurnedClock, World

CLOSED = (409, "reveal_closed")
SPENT = (409, "reveal_spent")


def test_issued_claimed_acknowledged(world: World, town: Town) -> None:
    someone = canaries.person()
    waybill_no = town.out_for_delivery(town.tokenize(someone))
    grant = ask(town.courier, waybill_no)
    assert grant.status_code == 201
    body = grant.get_json()
    assert body["fields"] == ["name", "address"]
    assert (body["state"], body["released"]) == ("issued", 0)
    reveal = body["reveal_id"]

    answer = claim(town.courier, reveal)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    values = answer.get_json()
    assert values.keys() == CLAIM_ANSWER | {"fields", "ack_code"}
    assert values["fields"] == {"name": someone.name, "address": {"country": "CN", **someone.address}}
    assert (values["state"], values["expires_at"]) == ("claimed", body["expires_at"])
    assert state(town.courier, reveal) == ("claimed", 1)

    assert told(ack(town.courier, reveal, "wrong")) == (422, "ack_code_wrong")
    assert ack(town.courier, reveal, values["ack_code"]).get_json()["state"] == "delivered"
    assert ack(town.courier, reveal, values["ack_code"]).status_code == 200
    assert told(claim(town.courier, reveal)) == SPENT
    assert outline(world, waybill=waybill_no) == [
        ("reveal.issue", "allow", None),
        ("reveal.claim", "allow", None),
        ("reveal.release", "allow", None),
        ("reveal.ack", "deny", "ack_code_wrong"),
        ("reveal.ack", "allow", None),
        ("reveal.claim", "deny", "spent_delivered"),
    ]


def test_ack_codes_are_stored_as_digests_only(world: World, town: Town) -> None:
    reveal = issued(town.courier, town.out_for_delivery())
    code = claim(town.courier, reveal).get_json()["ack_code"]
    assert row(world, reveal)["ack_digests"] == [hashlib.sha256(code.encode()).digest()]
    assert code.encode() not in world.dump()


@pytest.mark.parametrize(
    ("purpose", "fields"), [("contact", None), ("deliver", ["name"]), ("deliver", ["address"])]
)
def test_what_was_asked_for_comes_and_nothing_else(
    town: Town, purpose: str, fields: list[str] | None
) -> None:
    someone = canaries.person()
    waybill_no = town.out_for_delivery(town.tokenize(someone))
    more = {} if fields is None else {"fields": fields}
    values = ask(town.courier, waybill_no, purpose, claim=True, **more).get_json()["fields"]
    everything = {
        "name": someone.name,
        "phone": someone.e164,
        "address": {"country": "CN", **someone.address},
    }
    assert values == {name: everything[name] for name in fields or ["phone"]}


def test_a_station_sees_the_address_down_to_the_street(town: Town) -> None:
    someone = canaries.person()
    waybill_no = town.waybill(town.tokenize(someone))
    town.event(waybill_no, "accepted")
    assert town.event(waybill_no, "at_station", station=town.station_slug).status_code == 201
    values = ask(town.station, waybill_no, "sort", claim=True).get_json()["fields"]
    street = values["street"].pop("street")
    assert values == {
        "street": {"country": "CN", "province": "浙江省", "city": "杭州市", "district": "西湖区"}
    }
    assert street
    assert someone.detail.startswith(street)
    assert street != someone.detail


def test_an_unclaimed_grant_expires_and_gives_its_count_back(town: Town, clock: TurnedClock) -> None:
    reveal = issued(town.courier, town.out_for_delivery())
    clock.advance(seconds=59)
    assert state(town.courier, reveal) == ("issued", 0)
    clock.advance(seconds=1.5)
    assert state(town.courier, reveal) == ("expired", 0)
    assert told(claim(town.courier, reveal)) == SPENT
    assert told(town.carrier.post(f"/v1/reveals/{reveal}/revoke")) == CLOSED
    assert told(ack(town.courier, reveal, "any")) == (422, "ack_code_wrong")


def test_a_released_grant_without_ack_is_unconfirmed_until_a_late_one(town: Town, clock: TurnedClock) -> None:
    reveal = issued(town.courier, town.out_for_delivery())
    code = claim(town.courier, reveal).get_json()["ack_code"]
    clock.advance(seconds=61)
    assert state(town.courier, reveal) == ("unconfirmed", 1)
    assert told(town.carrier.post(f"/v1/reveals/{reveal}/revoke")) == CLOSED
    assert told(claim(town.courier, reveal)) == SPENT
    clock.advance(days=3)
    assert ack(town.courier, reveal, code).get_json()["state"] == "delivered"
    assert state(town.courier, reveal) == ("delivered", 1)


def test_revoked_before_the_claim_nothing_opens(world: World, town: Town) -> None:
    waybill_no = town.out_for_delivery()
    reveal = issued(town.courier, waybill_no)
    answer = town.carrier.post(f"/v1/reveals/{reveal}/revoke")
    assert (answer.status_code, answer.get_json()["state"]) == (200, "revoked")
    assert told(claim(town.courier, reveal)) == SPENT
    assert told(town.carrier.post(f"/v1/reveals/{reveal}/revoke")) == CLOSED
    assert state(town.courier, reveal) == ("revoked", 0)
    assert outline(world, waybill=waybill_no)[1:] == [
        ("reveal.revoke", "allow", None),
        ("reveal.claim", "deny", "spent_revoked"),
        ("reveal.revoke", "deny", "closed_revoked"),
    ]
    # Another can be had at once: nothing is live any more.
    assert ask(town.courier, waybill_no).status_code == 201


def test_revoked_after_the_release_the_record_still_says_that_values_went_out(town: Town) -> None:
    reveal = issued(town.courier, town.out_for_delivery())
    code = claim(town.courier, reveal).get_json()["ack_code"]
    assert town.world.actor("operator").post(f"/v1/reveals/{reveal}/revoke").status_code == 200
    assert state(town.carrier, reveal) == ("revoked", 1)
    assert told(ack(town.courier, reveal, code)) == CLOSED


def test_only_carrier_and_operator_revoke(town: Town, elsewhere: Town) -> None:
    reveal = issued(town.courier, town.out_for_delivery())
    for nobody in (town.courier, town.merchant, town.platform, town.station, elsewhere.carrier):
        assert told(nobody.post(f"/v1/reveals/{reveal}/revoke")) == (404, "not_found")
    assert state(town.courier, reveal) == ("issued", 0)


def test_reading_opens_nothing(town: Town) -> None:
    reveal = issued(town.courier, town.out_for_delivery())
    for path in (f"/v1/reveals/{reveal}", f"/v1/reveals/{reveal}/claim"):
        for method in ("GET", "HEAD", "OPTIONS"):
            answer = town.courier.call(method, path)
            assert b"ack_code" not in answer.data
            assert answer.headers["Cache-Control"] == "no-store"
    assert town.courier.get(f"/v1/reveals/{reveal}/claim").status_code == 405
    assert town.courier.get("/v1/reveals").status_code == 405
    assert state(town.courier, reveal) == ("issued", 0)
    assert claim(town.courier, reveal).status_code == 200


def test_every_reader_sees_state_and_no_value(town: Town) -> None:
    someone = canaries.person()
    reveal = issued(town.courier, town.out_for_delivery(town.tokenize(someone)))
    claim(town.courier, reveal)
    for reader in (town.courier, town.carrier, town.world.actor("operator")):
        answer = reader.get(f"/v1/reveals/{reveal}")
        assert answer.get_json()["state"] == "claimed"
        assert not list(canaries.leaks(answer.data))
