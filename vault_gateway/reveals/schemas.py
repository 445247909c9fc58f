"""Shapes of the reveals room's bodies."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from vault_gateway.reveals.purposes import FIELDS
from vault_gateway.reveals.seal import KeyInvalid, read_public_key
from vault_gateway.shapes import EachByItself, TrueOrFalse

MAX_REVEALS = 20
WAYBILL_NO_FIELD = validate.Regexp(r"\A[!-~]{1,64}\Z", error="1 to 64 visible ASCII characters.")


class PublicKeyField(fields.String):
    """An X25519 public key: 32 bytes in base64."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            return read_public_key(super()._deserialize(value, attr, data, **kwargs))
        except KeyInvalid:
            raise ValidationError("An X25519 public key: 32 bytes in base64.") from None


class RevealSchema(Schema):
    waybill_no = fields.String(required=True, validate=WAYBILL_NO_FIELD)
    purpose = fields.String(required=True, validate=validate.OneOf(["deliver", "contact", "sort"]))
    fields_ = fields.List(
        fields.String(validate=validate.OneOf(FIELDS)),
        data_key="fields",
        validate=validate.Length(1, len(FIELDS)),
    )
    public_key = PublicKeyField()


class OneRevealSchema(RevealSchema):
    claim = TrueOrFalse()


class ManyRevealsSchema(Schema):
    items = EachByItself(fields.Nested(RevealSchema), required=True, validate=validate.Length(1, MAX_REVEALS))
    claim = TrueOrFalse()


class ClaimSchema(Schema):
    public_key = PublicKeyField()


class AckSchema(Schema):
    ack_code = fields.String(required=True, validate=validate.Length(1, 64))
