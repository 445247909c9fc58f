"""Shapes of the relay room's bodies."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from vault_gateway.shapes import time_given

_CALL_ID = validate.Regexp(r"\A[A-Za-z0-9._:@-]{1,128}\Z", error="1 to 128 of A-Z, a-z, 0-9 and ._:@-.")
_PHONE = validate.Length(0, 64)


class RouteSchema(Schema):
    call_id = fields.String(required=True, validate=_CALL_ID)
    medium = fields.String(required=True, validate=validate.OneOf(["voice", "sms"]))
    # Empty for a caller who hides the number.
    caller = fields.String(required=True, validate=_PHONE)
    called = fields.String(required=True, validate=_PHONE)
    extension = fields.String(validate=validate.Length(0, 16))
    text = fields.String(validate=validate.Length(0, 1600))


class PoolSchema(Schema):
    mode = fields.String(validate=validate.OneOf(["extension", "axb"]))


class RecordSchema(Schema):
    call_id = fields.String(required=True, validate=_CALL_ID)
    type = fields.String(required=True, validate=validate.OneOf(["start", "ring", "answer", "end", "failed"]))
    at = time_given(required=True)
    reason = fields.String(
        validate=validate.Regexp(r"\A[a-z0-9_]{1,40}\Z", error="1 to 40 of a-z, 0-9 and _.")
    )
