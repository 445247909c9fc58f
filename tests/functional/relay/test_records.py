"""What a telecom reports of calls, and what that opens."""

from __future__ import annotations

import pytest

from tests import canaries
from tests.functional.relay.conftest import Line
from tests.functional.relay.steps import contact, fail
from tests.world import TurnedClock, World


def test_a_call_lasts_from_answer_to_end_in_whatever_order_that_is_reported(line: Line) -> None:
    binding = line.call(line.courier_phone, line.extension, call_id="timed").get_json()["binding_id"]
    for type_, at in (
        ("end", "10:02:05"),
        ("start", "10:00:00"),
        ("answer", "10:00:05"),
        ("ring", "10:00:02"),
    ):
        for _ in range(2):
            answer = line.record("timed", type_, at=f"2026-01-01T{at}+00:00")
            assert answer.status_code == 200, answer.text
    [call] = line.town.merchant.get(f"/v1/relay/bindings/{binding}").get_json()["calls"]
    assert (call["medium"], call["seconds"]) == ("voice", 120)


def test_a_record_of_an_unknown_or_foreign_call_is_taken_from_nobody(line: Line, world: World) -> None:
    line.call(line.courier_phone, line.extension, call_id="mine")
    other = world.actor("telecom")
    body = {"call_id": "mine", "type": "failed", "at": "2026-01-01T00:00:00Z"}
    assert other.post("/v1/relay/events", body).status_code == 404
    assert line.record("never", "failed").status_code == 404
    assert line.town.courier.post("/v1/relay/events", body).status_code == 404


def test_contact_opens_after_two_failed_calls_from_the_couriers_own_phone(line: Line) -> None:
    assert contact(line) == (403, "contact_closed")
    fail(line, line.courier_phone, f"a-{line.extension}")
    assert contact(line) == (403, "contact_closed")
    fail(line, line.courier_phone, f"b-{line.extension}")
    assert contact(line)[0] == 201


def test_failed_calls_from_another_phone_open_nothing(line: Line) -> None:
    for number in range(3):
        fail(line, canaries.phone(), f"other-{number}-{line.extension}")
    assert contact(line) == (403, "contact_closed")


def test_failures_of_an_hour_ago_open_nothing(line: Line, clock: TurnedClock) -> None:
    for number in range(2):
        fail(line, line.courier_phone, f"old-{number}-{line.extension}")
    clock.advance(minutes=31)
    assert contact(line) == (403, "contact_closed")


def test_deleting_the_number_opens_nothing(line: Line) -> None:
    binding = line.call(line.courier_phone, line.extension).get_json()["binding_id"]
    assert line.town.merchant.delete(f"/v1/relay/bindings/{binding}").status_code == 204
    assert contact(line) == (403, "contact_closed")


@pytest.mark.parametrize("type_", ["hangup", "", "FAILED"])
def test_a_record_of_no_known_type_is_refused(line: Line, type_: str) -> None:
    assert line.record("x", type_).status_code == 422
