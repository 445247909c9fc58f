"""TwiML as Twilio's own package writes it."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from twilio.twiml import TwiML as Theirs
from twilio.twiml.messaging_response import MessagingResponse
from twilio.twiml.voice_response import Dial, Gather, VoiceResponse

from vault_gateway.relay.twilio.speech import ASK, language_of, said
from vault_gateway.relay.twilio.statuses import of_dial
from vault_gateway.relay.twilio.twiml import TwiML

URL = "https://relay.example/x?a=1&b=2"
TO, SHOWN = "+12025550145", "+12025550100"


def same(ours: TwiML, theirs: Theirs) -> bool:
    one, other = ET.canonicalize(ours.text()), ET.canonicalize(str(theirs))
    assert one == other
    return True


@pytest.mark.parametrize("extension", [None, "7576"])
def test_a_call_is_put_through(extension: str | None) -> None:
    dial = Dial(caller_id=SHOWN, time_limit=60, timeout=60, answer_on_bridge=True, action=URL, method="POST")
    digits = {} if extension is None else {"send_digits": f"wwww{extension}"}
    dial.number(
        TO, status_callback=URL, status_callback_event="initiated ringing answered completed", **digits
    )
    theirs = VoiceResponse()
    theirs.append(dial)
    assert same(TwiML().dial(TO, extension, shows=SHOWN, at_most_s=60, action=URL, progress=URL), theirs)


def test_digits_are_asked_for() -> None:
    gather = Gather(
        input="dtmf", num_digits=6, timeout=10, action=URL, method="POST", action_on_empty_result=True
    )
    gather.say(ASK[0], language="zh-CN")
    theirs = VoiceResponse()
    theirs.append(gather)
    assert same(TwiML().gather(ASK[0], "zh-CN", digits=6, action=URL), theirs)


def test_a_call_is_ended() -> None:
    theirs = VoiceResponse()
    theirs.say("a < b", language="en-US")
    theirs.redirect(URL, method="POST")
    theirs.reject()
    theirs.hangup()
    assert same(TwiML().say("a < b", "en-US").redirect(URL).reject().hang_up(), theirs)


def test_messages_are_sent() -> None:
    theirs = MessagingResponse()
    theirs.message("我在 <门口> & more", to=TO, from_=SHOWN, action=URL, status_callback=URL)
    theirs.message("Not sent")
    ours = TwiML().message("我在 <门口>\x0b\ufffe & more", to=TO, shows=SHOWN, progress=URL).reply("Not sent")
    assert same(ours, theirs)


@pytest.mark.parametrize(
    ("number", "language"),
    [("+8617012345678", "zh-CN"), ("+85251234567", "zh-HK"), ("+886912345678", "zh-TW"), (SHOWN, "en-US")],
)
def test_who_calls_a_chinese_number_hears_chinese(number: str, language: str) -> None:
    assert language_of(number) == language
    assert said(ASK, language) == ASK[language == "en-US"]


@pytest.mark.parametrize(
    ("dial", "call", "became"),
    [
        ("busy", "in-progress", ("failed", "busy")),
        ("no-answer", "in-progress", ("failed", "no_answer")),
        ("failed", "in-progress", ("failed", "unreachable")),
        ("completed", "in-progress", ("end", None)),
        ("answered", "completed", ("end", None)),
        ("canceled", "in-progress", ("end", "cancelled")),
        ("no-answer", "completed", ("end", "cancelled")),
        ("busy", "canceled", ("end", "cancelled")),
        ("something-new", "in-progress", ("end", "cancelled")),
    ],
)
def test_only_a_caller_who_is_still_there_has_met_a_failure(
    dial: str, call: str, became: tuple[str, str | None]
) -> None:
    assert of_dial(dial, call) == became
