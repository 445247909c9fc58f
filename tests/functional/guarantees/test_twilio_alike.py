"""Guarantee 10 at Twilio's webhooks, which come under a signature and not under a key: a number and a call of another
telecom's look like those that nobody has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import canaries
from tests.functional.guarantees.asking import Work, metered, told
from tests.functional.guarantees.conftest import Grounds
from tests.functional.guarantees.ground import Ground
from tests.functional.relay.twilio import Twilio, call_sid, gateway, message_sid
from tests.pool import fresh_number
from tests.world import World

FORMS = {
    "/v1/relay/twilio/voice": ("CallSid", {"CallStatus": "ringing"}),
    "/v1/relay/twilio/voice?tries=1": ("CallSid", {"CallStatus": "in-progress", "Digits": "{extension}"}),
    "/v1/relay/twilio/voice/over": ("CallSid", {"CallStatus": "in-progress", "DialCallStatus": "completed"}),
    "/v1/relay/twilio/voice/progress": ("ParentCallSid", {"CallStatus": "ringing"}),
    "/v1/relay/twilio/sms": ("MessageSid", {"Body": "{extension} I am at the door"}),
    "/v1/relay/twilio/sms/progress?message={sid}": ("MessageSid", {"MessageStatus": "sent"}),
}
# These go by the number, the others by the call.
ASK = ("/v1/relay/twilio/voice", "/v1/relay/twilio/voice?tries=1", "/v1/relay/twilio/sms")


@pytest.fixture(scope="module")
def twilio(world: World, grounds: Grounds) -> Iterator[Twilio]:
    app = gateway(world, grounds.own.telecom.name)
    yield Twilio(app)
    app.extensions["database"].close()


def called(ground: Ground, call_id: str, medium: str) -> str:
    """A call or message of this telecom's."""
    body = {"call_id": call_id, "medium": medium, "caller": canaries.phone(), "called": ground.live["number"]}
    answer = ground.telecom.post(
        "/v1/relay/route", {**body, "extension": ground.live["extension"], "text": "Hello"}
    )
    assert answer.get_json()["action"] == "connect", answer.text
    return call_id


@pytest.mark.parametrize("path", FORMS)
def test_what_is_another_telecoms_looks_as_if_it_were_not(
    grounds: Grounds, twilio: Twilio, path: str
) -> None:
    own, named_by = grounds.own, FORMS[path][0]
    message = "/sms" in path
    new = message_sid if message else call_sid

    def asked(number: str, sid: str, extension: str) -> tuple[object, Work]:
        fields = {name: text.format(extension=extension) for name, text in FORMS[path][1].items()}
        form = {named_by: sid, "From": f"+86{canaries.phone()}", "To": number, **fields}
        with metered() as meter:
            work = meter.begin()
            return told(twilio.post(path.format(sid=sid), form), sid), work

    foreign: list[tuple[object, Work]] = []
    for ground in (grounds.neighbour, grounds.abroad):
        if path in ASK:
            foreign.append(asked(ground.live["number"], new(), ground.live["extension"]))
        else:
            sid = called(ground, new(), "sms" if message else "voice")
            foreign.append(asked(own.live["number"], sid, own.live["extension"]))
    unknown = asked(fresh_number() if path in ASK else own.live["number"], new(), own.live["extension"])
    assert foreign == [unknown] * 2
    # It is not for something else that they look alike.
    mine = called(own, new(), "sms" if message else "voice")
    answer, _ = asked(own.live["number"], new() if path in ASK else mine, own.live["extension"])
    assert answer != unknown[0]
