"""Twilio's webhooks: what an operator points Twilio's numbers at. Twilio calls them, and nobody else can."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema

from vault_gateway.documentation.operations import Answer, Operation
from vault_gateway.relay.twilio.schemas import (
    AnsweredSchema,
    TriesSchema,
    TwilioCallSchema,
    TwilioDeliverySchema,
    TwilioDialSchema,
    TwilioLegSchema,
    TwilioMessageSchema,
)
from vault_gateway.relay.twilio.twiml import MEDIA

_CALL, _MESSAGE = f"CA{'0' * 31}1", f"SM{'0' * 31}1"
_TO, _FROM = "+12025550100", "+12025550123"


def _webhook(
    path: str,
    name: str,
    summary: str,
    text: str,
    form: tuple[type[Schema], Mapping[str, Any]],
    query: type[Schema] | None = None,
) -> Operation:
    return Operation(
        method="post",
        path=f"/v1/relay/twilio/{path}",
        name=name,
        roles=("telecom",),
        summary=summary,
        text=text,
        answers={200: Answer("TwiML.", media=(MEDIA,))},
        form=form,
        query=query,
        codes=(
            "signature_invalid",
            "not_found",
            "bad_request",
            "body_too_large",
            "validation_failed",
            "event_in_future",
            "rate_limited",
            "internal",
            "database_unavailable",
            "redis_unavailable",
            "vault_unavailable",
        ),
    )


OPERATIONS = (
    _webhook(
        "voice",
        "twilio_call",
        "Twilio: a call comes in",
        "Point the voice webhook of each relay number here, with `POST`. The answer is TwiML: `Gather` for the"
        " extension, three times at most; `Dial` with the relay number as the caller's; or a refusal. The same rules"
        " and limits as `/v1/relay/route`, the same event in the log.",
        (TwilioCallSchema, {"CallSid": _CALL, "From": _FROM, "To": _TO}),
        TriesSchema,
    ),
    _webhook(
        "voice/over",
        "twilio_call_over",
        "Twilio: the other side hung up, or was not reached",
        "Named in the TwiML, so nothing has to be set. Becomes a record as of `/v1/relay/events`. A caller who hung up"
        " before the answer has met no failure.",
        (
            TwilioDialSchema,
            {"CallSid": _CALL, "To": _TO, "CallStatus": "in-progress", "DialCallStatus": "busy"},
        ),
    ),
    _webhook(
        "voice/progress",
        "twilio_call_progress",
        "Twilio: it rings, it is answered",
        "Named in the TwiML, so nothing has to be set. Becomes records, in whatever order and however often it comes.",
        (TwilioLegSchema, {"ParentCallSid": _CALL, "CallStatus": "ringing"}),
    ),
    _webhook(
        "sms",
        "twilio_message",
        "Twilio: a message comes in",
        "Point the messaging webhook of each relay number here, with `POST`. The answer is a `Message` to the other"
        " side, from the relay number, with phone numbers in it masked; pictures are not passed on.",
        (
            TwilioMessageSchema,
            {"MessageSid": _MESSAGE, "From": _FROM, "To": _TO, "Body": "471123 I am at the door"},
        ),
    ),
    _webhook(
        "sms/progress",
        "twilio_message_progress",
        "Twilio: a message was delivered, or not",
        "Named in the TwiML, so nothing has to be set.",
        (TwilioDeliverySchema, {"MessageStatus": "delivered"}),
        AnsweredSchema,
    ),
)
