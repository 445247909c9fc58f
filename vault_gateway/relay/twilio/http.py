"""The HTTP face for Twilio. A request is Twilio's by its signature, and speaks for one telecom."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, Response, request
from marshmallow import Schema

from vault_gateway import metrics
from vault_gateway.database import Database
from vault_gateway.edge import query, vouched_for
from vault_gateway.errors import GatewayError, not_found
from vault_gateway.identity.api_keys import named_client
from vault_gateway.limits import Limits
from vault_gateway.model import Caller, Role
from vault_gateway.relay.numbers import called, calling
from vault_gateway.relay.routing import Call
from vault_gateway.relay.twilio.schemas import (
    AnsweredSchema,
    TriesSchema,
    TwilioCallSchema,
    TwilioDeliverySchema,
    TwilioDialSchema,
    TwilioLegSchema,
    TwilioMessageSchema,
)
from vault_gateway.relay.twilio.signature import is_signed
from vault_gateway.relay.twilio.sms import MessageService
from vault_gateway.relay.twilio.twiml import MEDIA, TwiML
from vault_gateway.relay.twilio.voice import VoiceService

# A signature has no time in it. Twilio repeats a request a few times at most; whoever else does is held up here.
_REPEATS = "5/hour"
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class TwilioAccount:
    """`base` is the URL under which this account finds the gateway, `telecom` the client that it speaks for."""

    sid: str
    auth_token: str = field(repr=False)
    telecom: str
    base: str


class Twilio:
    """Who calls, as far as Twilio's signature says it. Without an account there is nothing here (404)."""

    def __init__(self, account: TwilioAccount | None, database: Database, limits: Limits) -> None:
        self._account = account
        self._database = database
        self._limits = limits

    def caller(self) -> Caller:
        """The telecom. 403 `signature_invalid`, and no more said, for whatever is not signed by the account, is of
        another account, or speaks for a client that is no telecom any more."""
        account = self._account
        if account is None:
            raise not_found()
        if request.mimetype != _FORM:
            raise _refused()
        # What proxies say of host and scheme plays no part: the operator has said it.
        url = account.base + request.path
        if request.query_string:
            url += "?" + request.query_string.decode("latin-1")
        signature = request.headers.get("X-Twilio-Signature", "")
        form = request.form.to_dict(flat=False)
        if not is_signed(account.auth_token, url, form, signature) or form.get("AccountSid") != [account.sid]:
            raise _refused()
        principal = named_client(self._database, account.telecom)
        if principal is None or principal.role is not Role.TELECOM:
            raise _refused()
        who = vouched_for(principal)
        self._limits.spend("twilio-repeats", _REPEATS, signature)
        return who


def _refused() -> GatewayError:
    metrics.FAILED_LOGINS.inc()
    return GatewayError("signature_invalid", 403, "This is not signed as it has to be.")


def twilio_blueprint(twilio: Twilio, voice: VoiceService, messages: MessageService) -> Blueprint:
    room = Blueprint("twilio", __name__)

    @room.post("/v1/relay/twilio/voice")
    def twilio_call() -> Response:
        who = twilio.caller()
        form, tries = _form(_CALL), query(_TRIES)["tries"]
        call = Call(
            form["call_id"], "voice", calling(form["caller"]), called(form["called"]), form["digits"] or None
        )
        return _answer(voice.call(who, call, tries))

    @room.post("/v1/relay/twilio/voice/over")
    def twilio_call_over() -> Response:
        who = twilio.caller()
        form = _form(_DIAL)
        return _answer(
            voice.over(who, form["call_id"], form["called"], form["dial_status"], form["call_status"])
        )

    @room.post("/v1/relay/twilio/voice/progress")
    def twilio_call_progress() -> Response:
        who = twilio.caller()
        form = _form(_LEG)
        return _answer(voice.progress(who, form["call_id"], form["status"], form.get("timestamp")))

    @room.post("/v1/relay/twilio/sms")
    def twilio_message() -> Response:
        who = twilio.caller()
        form = _form(_MESSAGE)
        call = Call(
            form["call_id"], "sms", calling(form["caller"]), called(form["called"]), text=form["text"]
        )
        return _answer(messages.message(who, call))

    @room.post("/v1/relay/twilio/sms/progress")
    def twilio_message_progress() -> Response:
        who = twilio.caller()
        return _answer(messages.progress(who, query(_ANSWERED)["message"], _form(_DELIVERY)["status"]))

    return room


_CALL, _DIAL, _LEG = TwilioCallSchema(), TwilioDialSchema(), TwilioLegSchema()
_MESSAGE, _DELIVERY = TwilioMessageSchema(), TwilioDeliverySchema()
_TRIES, _ANSWERED = TriesSchema(), AnsweredSchema()


def _form(schema: Schema) -> dict[str, Any]:
    """What is given twice is not taken: one reader would take the first, another the last."""
    fields = request.form.to_dict(flat=False)
    loaded: dict[str, Any] = schema.load(
        {name: values[0] for name, values in fields.items() if len(values) == 1}
    )
    return loaded


def _answer(twiml: TwiML) -> Response:
    return Response(twiml.text(), mimetype=MEDIA)
