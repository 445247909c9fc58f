"""Ways around the relay number to the phone behind it, and what a courier does not gain by them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from tests import canaries
from tests.functional.relay.conftest import Line, add_numbers, short_lived
from tests.functional.relay.steps import contact, fail
from tests.pool import no_numbers
from tests.world import Actor, TurnedClock, World
from vault_gateway.relay import service


@pytest.fixture
def no_pairs(world: World) -> Iterator[None]:
    """No number for a pair is free while this lasts."""
    with no_numbers(world, "axb"):
        yield


def ask_pair(line: Line) -> tuple[int, str]:
    answer = line.town.courier.post("/v1/relay/bindings", {"waybill_no": line.waybill_no, "mode": "axb"})
    return answer.status_code, answer.get_json().get("binding_id") or answer.get_json()["code"]


@pytest.mark.usefixtures("no_pairs")
def test_a_pair_that_is_not_to_be_had_opens_nothing_while_the_label_has_a_number(line: Line) -> None:
    assert ask_pair(line) == (503, "relay_pool_exhausted")
    assert line.call(line.courier_phone, line.extension).get_json()["action"] == "connect"
    assert contact(line) == (403, "contact_closed")


@pytest.mark.usefixtures("no_pairs")
def test_where_the_labels_number_has_run_out_and_there_is_no_pair_it_comes_back(
    line: Line, clock: TurnedClock
) -> None:
    brief = short_lived(line, line.town.out_for_delivery(), hours=1)
    clock.advance(hours=2)
    assert contact(brief) == (403, "contact_closed"), "an end alone opens nothing"
    assert ask_pair(brief) == (503, "relay_pool_exhausted")
    assert brief.call(line.courier_phone, brief.extension).get_json()["action"] == "connect"
    assert contact(brief) == (403, "contact_closed")


@pytest.mark.usefixtures("no_pairs")
@pytest.mark.parametrize(("lives", "later"), [(1, 32), (20, 21)], ids=["rested", "served its longest"])
def test_where_the_labels_number_is_not_to_be_had_again_and_there_is_no_pair_contact_opens(
    line: Line, clock: TurnedClock, monkeypatch: pytest.MonkeyPatch, lives: int, later: int
) -> None:
    monkeypatch.setattr(service, "LONGEST", timedelta(days=20))
    brief = short_lived(line, line.town.waybill(), days=lives)
    clock.advance(days=later)
    line.town.hand_to_courier(brief.waybill_no)
    assert contact(brief) == (403, "contact_closed"), "an end alone opens nothing"
    assert ask_pair(brief) == (503, "relay_pool_exhausted")
    assert contact(brief)[0] == 201


@pytest.mark.usefixtures("no_pairs")
def test_that_there_was_no_number_once_opens_nothing_after_the_parcel_had_one(line: Line) -> None:
    waybill_no = line.town.out_for_delivery()
    assert ask_pair(replace(line, waybill_no=waybill_no)) == (503, "relay_pool_exhausted")
    made = line.town.merchant.post("/v1/relay/bindings", {"waybill_no": waybill_no}).get_json()
    assert line.town.merchant.delete(f"/v1/relay/bindings/{made['binding_id']}").status_code == 204
    assert contact(replace(line, waybill_no=waybill_no)) == (403, "contact_closed")


def test_closing_the_labels_number_and_asking_in_vain_for_another_opens_nothing(
    world: World, line: Line
) -> None:
    binding = line.call(line.courier_phone, line.extension).get_json()["binding_id"]
    assert line.town.merchant.delete(f"/v1/relay/bindings/{binding}").status_code == 204
    with no_numbers(world, "extension"):
        asked = line.town.merchant.post("/v1/relay/bindings", {"waybill_no": line.waybill_no})
        assert (asked.status_code, asked.get_json()["code"]) == (503, "relay_pool_exhausted")
    assert contact(line) == (403, "contact_closed")


@pytest.mark.usefixtures("no_pairs")
def test_where_the_labels_number_was_closed_a_missing_pair_opens_nothing(line: Line) -> None:
    binding = line.call(line.courier_phone, line.extension).get_json()["binding_id"]
    assert line.town.merchant.delete(f"/v1/relay/bindings/{binding}").status_code == 204
    assert ask_pair(line) == (503, "relay_pool_exhausted")
    assert contact(line) == (403, "contact_closed")


def test_a_courier_who_asks_again_has_the_pair_there_is(world: World, line: Line) -> None:
    [number] = add_numbers(world, line.telecom, 1, "axb", places=3)
    first, second = ask_pair(line), ask_pair(line)
    assert first == second
    with world.admin() as conn:
        row = conn.execute(
            "select count(*) as pairs from relay_binding where mode = 'axb' and waybill_no = %s",
            (line.waybill_no,),
        ).fetchone()
        conn.execute("update relay_number set retired_at = now() where number = %s", (number,))
    assert row == {"pairs": 1}


def test_one_couriers_failed_calls_open_nothing_to_the_next(world: World, line: Line) -> None:
    for number in range(2):
        fail(line, line.courier_phone, f"before-{number}-{line.extension}")
    next_one = world.actor("courier", carrier=line.town.carrier_slug)
    body = {"handle": next_one.name, "phone": canaries.phone()}
    assert line.town.carrier.post("/v1/couriers", body).status_code == 201
    assert line.town.event(line.waybill_no, "out_for_delivery", courier=next_one.name).status_code == 201
    asked = next_one.post("/v1/reveals", {"waybill_no": line.waybill_no, "purpose": "contact"})
    assert (asked.status_code, asked.get_json()["code"]) == (403, "contact_closed")


def test_messages_that_were_not_delivered_open_nothing(line: Line) -> None:
    for number in range(2):
        call_id = f"sms-{number}-{line.extension}"
        sent = line.call(line.courier_phone, line.extension, call_id=call_id, medium="sms", text="hello")
        assert sent.get_json()["action"] == "connect"
        assert line.record(call_id, "failed").status_code == 200
    assert contact(line) == (403, "contact_closed")


def test_opening_the_couriers_phone_to_compare_is_an_event_about_the_parcel(
    line: Line, auditor: Actor
) -> None:
    fail(line, line.courier_phone, f"compared-{line.extension}")
    path = f"/v1/audit/events?action=relay.record&waybill={line.waybill_no}"
    [event] = auditor.get(path).get_json()["items"]
    assert (event["outcome"], event["fields"]) == ("allow", ["phone"])
