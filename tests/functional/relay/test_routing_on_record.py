"""What the log says of a call, and what a telecom that records nothing is told."""

from __future__ import annotations

from tests import canaries
from tests.functional.relay.conftest import (
    ASKED,
    Line,
    wrong,
)
from tests.world import Actor, TurnedClock, World


def test_a_repeated_question_is_answered_alike(line: Line, auditor: Actor) -> None:
    first = line.call(line.courier_phone, line.extension, call_id="same")
    again = line.call(line.courier_phone, line.extension, call_id="same")
    assert first.get_json() == again.get_json()
    other = line.call(canaries.phone(), line.extension, call_id="same")
    assert other.get_json()["reason"] == "no_binding"
    # What was not told is on record as a denial alone.
    path = f"/v1/audit/events?action=relay.route&waybill={line.waybill_no}"
    outcomes = [item["outcome"] for item in auditor.get(path).get_json()["items"]]
    assert sorted(outcomes) == ["allow", "allow", "deny"]


def test_every_question_is_an_event(line: Line, auditor: Actor) -> None:
    line.call(line.courier_phone, line.extension)
    [allowed] = auditor.get(f"/v1/audit/events?action=relay.route&waybill={line.waybill_no}").get_json()[
        "items"
    ]
    assert (allowed["outcome"], allowed["fields"]) == ("allow", ["phone"])
    line.call(canaries.phone(), wrong(line.extension), call_id=f"denied-{line.extension}")
    items = auditor.get("/v1/audit/events?action=relay.route&outcome=deny").get_json()["items"]
    [denied] = [item for item in items if item["detail"]["call"] == f"denied-{line.extension}"]
    assert denied["reason"] == "no_binding"
    assert allowed["policies"] == ["telecom-own-numbers"]
    call_id = f"asked-{line.extension}"
    assert line.call(canaries.phone(), call_id=call_id).get_json() == ASKED
    items = auditor.get("/v1/audit/events?action=relay.route&outcome=allow").get_json()["items"]
    [asked] = [item for item in items if item["detail"]["call"] == call_id]
    assert (asked["reason"], asked["resource"]) == ("ask_extension", f"number:{line.number}")
    assert "waybill" not in asked
    assert asked["policies"] == ["telecom-own-numbers"]


def test_a_call_that_was_not_connected_is_in_the_log_of_its_parcels_merchant(
    world: World, line: Line
) -> None:
    binding = line.call(line.courier_phone, line.extension).get_json()["binding_id"]
    assert line.town.merchant.delete(f"/v1/relay/bindings/{binding}").status_code == 204
    line.call(canaries.phone(), line.extension)
    auditor = world.actor("auditor", platform=line.town.platform_slug, merchant=line.town.merchant_slug)
    path = f"/v1/audit/events?action=relay.route&outcome=deny&waybill={line.waybill_no}"
    [event] = auditor.get(path).get_json()["items"]
    assert event["reason"] == "cooling"


def test_a_telecom_that_reports_nothing_is_told_nothing(world: World, line: Line, clock: TurnedClock) -> None:
    strict = world.gateway(unrecorded_routes=3)
    telecom = Actor(strict, line.telecom.key, line.telecom.name)
    asked = Line(
        line.town, telecom, line.recipient, line.courier_phone, line.waybill_no, line.number, line.extension
    )
    for _ in range(4):
        assert line.call(line.courier_phone, line.extension).get_json()["action"] == "connect"
    clock.advance(minutes=16)
    assert asked.call(line.courier_phone, line.extension).get_json()["reason"] == "quota"


def test_a_call_that_goes_nowhere_is_owed_by_nobody(line: Line) -> None:
    """Else one person shut a telecom's line for a day, dialling the own extension again and again."""
    assert line.town.event(line.waybill_no, "in_transit").status_code == 201
    own = {"call_id": f"own-{line.extension}"}
    answer = line.call(line.recipient.phone, line.extension, **own).get_json()
    assert answer == {"action": "reject", "reason": "no_binding"}
    assert line.record(own["call_id"], "end").status_code == 404, "as after any call that was refused"
