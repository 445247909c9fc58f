"""What is read of Twilio's forms. They hold much more, and grow."""

from __future__ import annotations

from marshmallow import EXCLUDE, Schema, fields, validate

from vault_gateway.relay.twilio.voice import MOST_TRIES

_PHONE = validate.Length(0, 64)
_STATUS = validate.Regexp(r"\A[a-z-]{1,40}\Z", error="1 to 40 of a-z and -.")


def _sid(kind: str, name: str) -> fields.String:
    pattern = rf"\A(?:{kind})[0-9a-f]{{32}}\Z"
    return fields.String(
        required=True, data_key=name, validate=validate.Regexp(pattern, error="Not the id of this.")
    )


class TwilioForm(Schema):
    class Meta:
        unknown = EXCLUDE


class TwilioCallSchema(TwilioForm):
    call_id = _sid("CA", "CallSid")
    caller = fields.String(required=True, data_key="From", validate=_PHONE)
    called = fields.String(required=True, data_key="To", validate=_PHONE)
    digits = fields.String(load_default="", data_key="Digits", validate=validate.Length(0, 64))


class TwilioDialSchema(TwilioForm):
    call_id = _sid("CA", "CallSid")
    called = fields.String(required=True, data_key="To", validate=_PHONE)
    call_status = fields.String(required=True, data_key="CallStatus", validate=_STATUS)
    dial_status = fields.String(required=True, data_key="DialCallStatus", validate=_STATUS)


class TwilioLegSchema(TwilioForm):
    call_id = _sid("CA", "ParentCallSid")
    status = fields.String(required=True, data_key="CallStatus", validate=_STATUS)
    timestamp = fields.String(data_key="Timestamp", validate=validate.Length(0, 64))


class TwilioMessageSchema(TwilioForm):
    call_id = _sid("SM|MM", "MessageSid")
    caller = fields.String(required=True, data_key="From", validate=_PHONE)
    called = fields.String(required=True, data_key="To", validate=_PHONE)
    text = fields.String(required=True, data_key="Body", validate=validate.Length(0, 1600))


class TwilioDeliverySchema(TwilioForm):
    status = fields.String(required=True, data_key="MessageStatus", validate=_STATUS)


class TriesSchema(Schema):
    """How often the caller was asked for the extension in this call: the gateway itself writes it into the URL."""

    tries = fields.Integer(load_default=0, validate=validate.Range(0, MOST_TRIES))


class AnsweredSchema(Schema):
    """Which message is spoken of: Twilio gives the one sent on an id of its own."""

    message = fields.String(required=True, validate=validate.Regexp(r"\A(?:SM|MM)[0-9a-f]{32}\Z"))
