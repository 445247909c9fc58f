"""Messages over Twilio: both ways, and nobody's number in them."""

from __future__ import annotations

import pytest

from tests import canaries
from tests.functional.relay.conftest import Line, add_numbers
from tests.functional.relay.steps import contact, recorded
from tests.functional.relay.twilio import TextMessage, Twilio
from tests.world import World


def test_a_message_goes_both_ways_and_no_number_goes_with_it(line: Line, twilio: Twilio) -> None:
    own = f"打我电话 {line.courier_phone[:3]} {line.courier_phone[3:7]} {line.courier_phone[7:]} <现在> & 好"
    there = TextMessage(twilio, f"+86{line.courier_phone}", line.number, f"{line.extension} {own}")
    [message] = there.sent()
    assert (message.name, message["to"], message["from"]) == ("Message", line.recipient.e164, line.number)
    assert message.text == "打我电话 ******* <现在> & 好"
    back = TextMessage(twilio, line.recipient.e164, line.number, f"+86{line.recipient.phone} ok\x0b\x01")
    [message] = back.sent()
    assert (message["to"], message["from"]) == (f"+86{line.courier_phone}", line.number)
    assert message.text == "+******* ok"
    assert not message.within


def test_what_became_of_a_message_is_recorded(world: World, line: Line, twilio: Twilio) -> None:
    text = TextMessage(twilio, f"+86{line.courier_phone}", line.number, f"{line.extension} hello")
    [message] = text.sent()
    for status in ("delivered", "queued", "sent", "sent"):
        text.progress(message, status)
    assert recorded(world, text.sid) == {"start": None, "end": None}


def test_messages_that_were_not_delivered_open_nothing(world: World, line: Line, twilio: Twilio) -> None:
    for status in ("undelivered", "failed"):
        text = TextMessage(twilio, f"+86{line.courier_phone}", line.number, f"{line.extension} hello")
        text.progress(text.sent()[0], status)
        assert "failed" in recorded(world, text.sid)
    assert contact(line) == (403, "contact_closed")


def test_a_picture_alone_is_not_passed_on(world: World, line: Line, twilio: Twilio) -> None:
    text = TextMessage(twilio, f"+86{line.courier_phone}", line.number, line.extension)
    assert text.sent() == []
    assert recorded(world, text.sid) == {"failed": "no_text"}


@pytest.mark.parametrize("text", ["hello", "999 hello", ""])
def test_a_message_without_an_extension_is_answered_with_what_to_do(
    line: Line, twilio: Twilio, text: str
) -> None:
    [reply] = TextMessage(twilio, f"+86{canaries.phone()}", line.number, text).sent()
    assert (reply.name, reply.attributes) == ("Message", {})
    assert "分机号" in reply.text


def test_a_parcel_that_is_over_is_said_to_be(line: Line, twilio: Twilio) -> None:
    binding = line.call(line.courier_phone, line.extension).get_json()["binding_id"]
    assert line.town.merchant.delete(f"/v1/relay/bindings/{binding}").status_code == 204
    [reply] = TextMessage(twilio, line.recipient.e164, line.number, f"{line.extension} hello").sent()
    assert "结束" in reply.text


def test_machines_that_answer_each_other_fall_silent(line: Line, twilio: Twilio) -> None:
    machine = f"+86{canaries.phone()}"
    answers = [TextMessage(twilio, machine, line.number, "hello").sent() for _ in range(11)]
    assert [len(answer) for answer in answers] == [1] * 10 + [0]
    assert TextMessage(twilio, "Parcels", line.number, "hello").sent() == []


def test_a_stranger_on_a_pairs_number_hears_nothing(world: World, line: Line, twilio: Twilio) -> None:
    add_numbers(world, line.telecom, 1, "axb")
    made = line.town.courier.post("/v1/relay/bindings", {"waybill_no": line.waybill_no, "mode": "axb"})
    number = made.get_json()["number"]
    assert TextMessage(twilio, f"+86{canaries.phone()}", number, "hello").sent() == []
    [message] = TextMessage(twilio, line.recipient.e164, number, "hello").sent()
    assert message["to"] == f"+86{line.courier_phone}"
