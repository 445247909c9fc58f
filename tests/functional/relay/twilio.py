"""Twilio as the gateway knows it: signed forms by the `twilio` package, and TwiML read back."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from flask import Flask
from twilio.request_validator import RequestValidator
from werkzeug.test import TestResponse

from tests.world import World

ACCOUNT = f"AC{secrets.token_hex(16)}"
TOKEN = secrets.token_hex(16)
URL = "https://relay.example"


def gateway(world: World, telecom: str, **changed: Any) -> Flask:
    settings = {
        "twilio_account_sid": ACCOUNT,
        "twilio_auth_token": TOKEN,
        "twilio_telecom": telecom,
        "twilio_url": URL,
    }
    return world.gateway(**{**settings, **changed})


def call_sid() -> str:
    return f"CA{secrets.token_hex(16)}"


def message_sid() -> str:
    return f"SM{secrets.token_hex(16)}"


@dataclass(frozen=True)
class Verb:
    """A verb of TwiML, or a noun within one."""

    name: str
    text: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    within: tuple[Verb, ...] = ()

    def __getitem__(self, name: str) -> str:
        return self.attributes[name]


def read(answer: TestResponse) -> list[Verb]:
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "text/xml"
    assert answer.headers["Cache-Control"] == "no-store"
    root = ET.fromstring(answer.data)
    assert root.tag == "Response"
    return [_verb(element) for element in root]


def _verb(element: ET.Element) -> Verb:
    return Verb(
        element.tag, element.text or "", dict(element.attrib), tuple(_verb(child) for child in element)
    )


@dataclass(frozen=True)
class Twilio:
    """Posts forms as Twilio does. `token`, `account` and `url` are what it believes in."""

    app: Flask
    token: str = TOKEN
    account: str = ACCOUNT
    url: str = URL

    def but(self, **changed: Any) -> Twilio:
        return replace(self, **changed)

    def post(self, path: str, form: dict[str, str], **more: Any) -> TestResponse:
        form = {"AccountSid": self.account, "ApiVersion": "2010-04-01", **form}
        signature = RequestValidator(self.token).compute_signature(self.url + path, form)
        return self.send(path, form, signature, **more)

    def send(self, path: str, form: Any, signature: str | None, **more: Any) -> TestResponse:
        headers = {**({} if signature is None else {"X-Twilio-Signature": signature}), **more}
        return self.app.test_client().post(path, data=form, headers=headers)

    def follow(self, url: str, form: dict[str, str]) -> TestResponse:
        """A URL that the gateway has named in its TwiML."""
        assert url.startswith(f"{self.url}/")
        parts = urlsplit(url.removeprefix(self.url))
        return self.post(parts.path + (f"?{parts.query}" if parts.query else ""), form)


@dataclass
class PhoneCall:
    """A call to a relay number as it goes on."""

    twilio: Twilio
    caller: str
    called: str
    sid: str = field(default_factory=call_sid)

    @property
    def form(self) -> dict[str, str]:
        return {"CallSid": self.sid, "From": self.caller, "To": self.called, "CallStatus": "ringing"}

    def begins(self) -> list[Verb]:
        return read(self.twilio.post("/v1/relay/twilio/voice", self.form))

    def keys(self, gather: Verb, digits: str) -> list[Verb]:
        answer = {**self.form, "CallStatus": "in-progress", "Digits": digits}
        return read(self.twilio.follow(gather["action"], answer))

    def dialled(self, digits: str) -> Verb:
        """With the extension at once; the `Dial`."""
        [gather] = self.begins()
        [dial] = self.keys(gather, digits)
        assert dial.name == "Dial", dial
        return dial

    def progress(self, dial: Verb, status: str, **more: str) -> TestResponse:
        [number] = dial.within
        form = {
            "ParentCallSid": self.sid,
            "CallSid": call_sid(),
            "CallStatus": status,
            "From": dial["callerId"],
            "To": number.text,
            **more,
        }
        return self.twilio.follow(number["statusCallback"], form)

    def over(self, dial: Verb, dial_status: str, call_status: str = "in-progress") -> TestResponse:
        form = {**self.form, "CallStatus": call_status, "DialCallStatus": dial_status}
        return self.twilio.follow(dial["action"], form)


SMS = "/v1/relay/twilio/sms"


@dataclass
class TextMessage:
    twilio: Twilio
    sender: str
    number: str
    text: str
    sid: str = field(default_factory=message_sid)

    def sent(self) -> list[Verb]:
        form = {"MessageSid": self.sid, "From": self.sender, "To": self.number, "Body": self.text}
        return read(self.twilio.post(SMS, {**form, "NumMedia": "1", "MediaUrl0": "https://media.example/1"}))

    def progress(self, message: Verb, status: str) -> None:
        assert message["action"] == message["statusCallback"]
        form = {"MessageSid": message_sid(), "MessageStatus": status, "To": message["to"]}
        assert read(self.twilio.follow(message["action"], form)) == []
