"""Calls over Twilio: from the webhook to the TwiML, and what becomes of them."""

from __future__ import annotations

import secrets
from email.utils import format_datetime

import pytest

from tests import canaries
from tests.functional.relay.conftest import Line, add_numbers, wrong
from tests.functional.relay.steps import contact, recorded
from tests.functional.relay.twilio import PhoneCall, Twilio, Verb, call_sid, read
from tests.pool import retire_numbers
from tests.world import Actor, Tokens, TurnedClock, World


def phone_call(twilio: Twilio, line: Line, caller: str, **more: str) -> PhoneCall:
    return PhoneCall(twilio, f"+86{caller}", line.number, **more)


def test_the_extension_is_asked_for_and_the_recipient_dialled(line: Line, twilio: Twilio) -> None:
    call = phone_call(twilio, line, canaries.phone())
    [gather] = call.begins()
    assert (gather.name, gather["numDigits"], gather["input"]) == ("Gather", "6", "dtmf")
    [say] = gather.within
    assert (say.name, say["language"]) == ("Say", "zh-CN")
    [dial] = call.keys(gather, line.extension)
    assert (dial.name, dial["callerId"], dial["timeLimit"]) == ("Dial", line.number, "3600")
    [number] = dial.within
    assert (number.name, number.text) == ("Number", line.recipient.e164)
    assert "sendDigits" not in number.attributes


def test_of_people_only_the_number_to_dial_stands_in_the_answer(line: Line, twilio: Twilio) -> None:
    caller = canaries.phone()
    call = phone_call(twilio, line, caller)
    [gather] = call.begins()
    form = {**call.form, "Digits": line.extension, "CallStatus": "in-progress"}
    text = twilio.follow(gather["action"], form).text
    for secret in (caller, line.extension, line.recipient.name, line.recipient.detail, line.waybill_no):
        assert secret not in text
    assert text.count(line.recipient.phone) == 1


def test_who_enters_nothing_or_a_wrong_extension_has_three_tries(line: Line, twilio: Twilio) -> None:
    call = phone_call(twilio, line, canaries.phone())
    [gather] = call.begins()
    [gather] = call.keys(gather, "")
    [say, redirect] = call.keys(gather, wrong(line.extension))
    assert (say.name, redirect.name) == ("Say", "Redirect")
    [gather] = read(twilio.follow(redirect.text, call.form))
    assert gather.name == "Gather"
    last = call.keys(gather, wrong(line.extension))
    assert [verb.name for verb in last] == ["Say", "Hangup"]
    assert last[0].text == say.text
    # Nor does silence go on for ever.
    quiet = phone_call(twilio, line, canaries.phone())
    verbs = quiet.begins()
    for _ in range(3):
        verbs = quiet.keys(verbs[0], "")
    assert [verb.name for verb in verbs] == ["Say", "Hangup"]


def test_who_tries_extensions_is_locked_over_all_calls(line: Line, twilio: Twilio) -> None:
    stranger = canaries.phone()
    for _ in range(10):
        call = phone_call(twilio, line, stranger)
        call.keys(call.begins()[0], wrong(line.extension))
    assert phone_call(twilio, line, stranger).begins() == [Verb("Reject")]
    # Nobody else is.
    phone_call(twilio, line, canaries.phone()).dialled(line.extension)


def test_the_recipient_calls_back_without_an_extension(line: Line, twilio: Twilio) -> None:
    phone_call(twilio, line, line.courier_phone).dialled(line.extension)
    [dial] = phone_call(twilio, line, line.recipient.phone).begins()
    assert dial.within[0].text == f"+86{line.courier_phone}"
    assert dial["callerId"] == line.number


def test_a_stranger_on_a_pairs_number_is_not_answered(world: World, line: Line, twilio: Twilio) -> None:
    add_numbers(world, line.telecom, 1, "axb")
    made = line.town.courier.post("/v1/relay/bindings", {"waybill_no": line.waybill_no, "mode": "axb"})
    number = made.get_json()["number"]
    [dial] = PhoneCall(twilio, f"+86{line.courier_phone}", number).begins()
    assert dial.within[0].text == line.recipient.e164
    for stranger in (f"+86{canaries.phone()}", "anonymous", "+266696687", ""):
        assert PhoneCall(twilio, stranger, number).begins() == [Verb("Reject")]


def test_a_parcel_that_is_over_is_said_to_be(line: Line, twilio: Twilio) -> None:
    binding = line.call(line.courier_phone, line.extension).get_json()["binding_id"]
    assert line.town.merchant.delete(f"/v1/relay/bindings/{binding}").status_code == 204
    call = phone_call(twilio, line, line.courier_phone)
    [gather] = call.begins()
    say, hangup = call.keys(gather, line.extension)
    assert "包裹" in say.text
    assert hangup == Verb("Hangup")


def test_the_extension_of_a_virtual_number_is_sent_after_the_answer(line: Line, twilio: Twilio) -> None:
    items = canaries.items_of(someone := canaries.person())
    extension = f"{secrets.randbelow(10_000):04d}"
    items[1]["value"] = canaries.plant(f"{someone.phone}-{extension}")
    made = line.town.merchant.post("/v1/tokens", {"items": items}).get_json()["items"]
    tokens = Tokens(*(item["token"] for item in made))
    relay = line.town.new_waybill(tokens, relay=True)["relay"]
    dial = PhoneCall(twilio, f"+86{canaries.phone()}", relay["number"]).dialled(relay["extension"])
    [number] = dial.within
    assert (number.text, number["sendDigits"]) == (someone.e164, f"wwww{extension}")


def test_two_calls_that_were_not_answered_open_contact_to_the_courier(line: Line, twilio: Twilio) -> None:
    for status in ("no-answer", "busy"):
        assert contact(line) == (403, "contact_closed")
        call = phone_call(twilio, line, line.courier_phone)
        say, hangup = read(call.over(call.dialled(line.extension), status))
        assert (say.name, hangup.name) == ("Say", "Hangup")
    assert contact(line)[0] == 201


@pytest.mark.parametrize("status", ["busy", "canceled", "completed", "failed", "no-answer"])
def test_a_caller_who_hangs_up_has_met_no_failure(
    world: World, line: Line, twilio: Twilio, status: str
) -> None:
    """Whatever Twilio calls it: the caller's own call is over then."""
    for _ in range(2):
        call = phone_call(twilio, line, line.courier_phone)
        dial = call.dialled(line.extension)
        for event in ("initiated", "ringing", status):
            assert read(call.progress(dial, event)) == []
        assert read(call.over(dial, status, call_status="completed")) == [Verb("Hangup")]
        assert "failed" not in recorded(world, call.sid)
        assert "end" in recorded(world, call.sid)
    assert contact(line) == (403, "contact_closed")


def test_a_cancelled_leg_is_no_failure(world: World, line: Line, twilio: Twilio) -> None:
    call = phone_call(twilio, line, line.courier_phone)
    dial = call.dialled(line.extension)
    call.progress(dial, "canceled")
    assert read(call.over(dial, "canceled")) == [Verb("Hangup")]
    assert recorded(world, call.sid) == {"end": "cancelled"}


def test_progress_is_recorded_in_any_order_and_once(
    world: World, line: Line, twilio: Twilio, clock: TurnedClock
) -> None:
    call = phone_call(twilio, line, line.courier_phone)
    dial = call.dialled(line.extension)
    began = clock()
    moments = {"initiated": 0, "ringing": 1, "in-progress": 4, "completed": 64}
    clock.advance(seconds=90)
    for status in ("completed", "in-progress", "completed", "ringing", "initiated", "queued"):
        at = began.replace(microsecond=0).timestamp() + moments.get(status, 0)
        when = format_datetime(began.fromtimestamp(at, began.tzinfo))
        assert read(call.progress(dial, status, Timestamp=when)) == []
    assert read(call.over(dial, "completed")) == [Verb("Hangup")]
    assert recorded(world, call.sid) == dict.fromkeys(("start", "ring", "answer", "end"))
    # A repeated `over` still has the first end.
    [made] = calls_of(line)
    assert (made["medium"], made["seconds"]) == ("voice", 60)


def calls_of(line: Line) -> list[dict[str, object]]:
    binding = line.call(line.recipient.phone).get_json()["binding_id"]
    calls = line.town.merchant.get(f"/v1/relay/bindings/{binding}").get_json()["calls"]
    return [call for call in calls if call["seconds"]]


@pytest.mark.parametrize("timestamp", ["", "soon", "Tue, 99 Jan 2026 00:00:00 +0000"])
def test_a_moment_that_cannot_be_read_is_now(
    world: World, line: Line, twilio: Twilio, timestamp: str
) -> None:
    call = phone_call(twilio, line, line.courier_phone)
    assert read(call.progress(call.dialled(line.extension), "ringing", Timestamp=timestamp)) == []
    assert recorded(world, call.sid) == {"ring": None}


def test_a_call_that_never_was_has_no_records(line: Line, twilio: Twilio) -> None:
    form = {"CallSid": call_sid(), "To": line.number, "CallStatus": "in-progress", "DialCallStatus": "busy"}
    assert twilio.post("/v1/relay/twilio/voice/over", form).status_code == 404
    leg = {"ParentCallSid": call_sid(), "CallStatus": "ringing"}
    assert twilio.post("/v1/relay/twilio/voice/progress", leg).status_code == 404


def test_a_number_of_somebody_else_is_not_found(world: World, line: Line, twilio: Twilio) -> None:
    other = world.actor("telecom")
    [foreign] = add_numbers(world, other, 1, "extension")
    for called in (foreign, "+8617012345678", "whatsapp:+8617012345678", "x"):
        answer = twilio.post("/v1/relay/twilio/voice", PhoneCall(twilio, "+1", called).form)
        assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")
    retire_numbers(world, other.name)


def test_english_is_spoken_where_the_number_is_not_chinese(world: World, line: Line, twilio: Twilio) -> None:
    number = f"+1202555{secrets.randbelow(100) + 100:04d}"
    with world.admin() as conn:
        conn.execute(
            "insert into relay_number (number, telecom, mode, digits, capacity, added_at)"
            " values (%s, %s, 'extension', 6, 1, now()) on conflict do nothing",
            (number, f"key:{line.telecom.name}"),
        )
    [gather] = PhoneCall(twilio, f"+86{canaries.phone()}", number).begins()
    assert gather.within[0]["language"] == "en-US"
    assert gather.within[0].text.startswith("Please enter")
    with world.admin() as conn:
        conn.execute("delete from relay_number where number = %s", (number,))


def test_the_log_says_the_same_as_of_any_telecom(line: Line, twilio: Twilio, auditor: Actor) -> None:
    call = phone_call(twilio, line, line.courier_phone)
    call.dialled(line.extension)
    path = f"/v1/audit/events?action=relay.route&waybill={line.waybill_no}"
    [event] = auditor.get(path).get_json()["items"]
    assert (event["actor"], event["role"]) == (f"key:{line.telecom.name}", "telecom")
    assert (event["outcome"], event["policies"]) == ("allow", ["telecom-own-numbers"])
    assert event["detail"]["call"] == call.sid
