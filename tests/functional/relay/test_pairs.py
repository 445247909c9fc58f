"""A courier's own number to a recipient: both directions, and nobody else."""

from __future__ import annotations

import pytest

from tests import canaries
from tests.functional.relay.conftest import Line, add_numbers, e164
from tests.world import World


@pytest.fixture
def pair(world: World, line: Line) -> Line:
    """The courier's own number to the recipient."""
    add_numbers(world, line.telecom, 2, "axb")
    answer = line.town.courier.post("/v1/relay/bindings", {"waybill_no": line.waybill_no, "mode": "axb"})
    assert answer.status_code == 201, answer.text
    body = answer.get_json()
    assert "extension" not in body
    return Line(
        line.town, line.telecom, line.recipient, line.courier_phone, line.waybill_no, body["number"], ""
    )


def test_a_pair_reaches_each_other_and_nobody_else(pair: Line) -> None:
    there = pair.call(pair.courier_phone).get_json()
    back = pair.call(pair.recipient.phone).get_json()
    assert there["destination"] == pair.recipient.e164
    assert back["destination"] == e164(pair.courier_phone)
    assert there["display"] == back["display"] == pair.number
    for stranger in (canaries.phone(), "anonymous"):
        assert pair.call(stranger).get_json() == {"action": "reject", "reason": "unknown_caller"}


def test_a_pair_ends_with_the_couriers_turn(world: World, pair: Line) -> None:
    other = world.actor("courier", carrier=pair.town.carrier_slug)
    assert pair.town.event(pair.waybill_no, "out_for_delivery", courier=other.name).status_code == 201
    assert pair.call(pair.courier_phone).get_json()["reason"] == "cooling"
    assert pair.call(pair.recipient.phone).get_json()["reason"] == "cooling"


def test_two_parcels_for_the_same_person_get_two_numbers(world: World, pair: Line) -> None:
    add_numbers(world, pair.telecom, 1, "axb")
    second = pair.town.out_for_delivery(pair.town.tokenize(pair.recipient))
    answer = pair.town.courier.post("/v1/relay/bindings", {"waybill_no": second, "mode": "axb"})
    assert answer.status_code == 201, answer.text
    assert answer.get_json()["number"] != pair.number


def test_a_courier_names_no_phone_and_gets_no_extension(line: Line) -> None:
    named = {"waybill_no": line.waybill_no, "mode": "axb", "caller": line.courier_phone}
    assert line.town.courier.post("/v1/relay/bindings", named).status_code == 422
    plain = line.town.courier.post("/v1/relay/bindings", {"waybill_no": line.waybill_no})
    assert (plain.status_code, plain.get_json()["code"]) == (422, "mode_not_allowed")


def test_a_pair_takes_nothing_off_the_label(world: World, line: Line) -> None:
    label = f"/v1/waybills/{line.waybill_no}/label.zpl"
    printed = line.town.merchant.get(label).data
    add_numbers(world, line.telecom, 1, "axb")
    made = line.town.courier.post("/v1/relay/bindings", {"waybill_no": line.waybill_no, "mode": "axb"})
    assert made.status_code == 201, made.text
    view = line.town.merchant.get(f"/v1/waybills/{line.waybill_no}").get_json()
    assert (view["relay"]["number"], view["relay"]["extension"]) == (line.number, line.extension)
    assert view["label"]["call"] == f"{line.number} {line.extension}"
    assert line.town.merchant.get(label).data == printed
    again = line.town.merchant.post("/v1/relay/bindings", {"waybill_no": line.waybill_no})
    assert again.get_json()["extension"] == line.extension, "the live one comes back"
