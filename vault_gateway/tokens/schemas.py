"""Shapes of the tokens room's bodies. Items of a bulk request are read one by one by the service, for each
carries its own error."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from vault_gateway.model import Kind
from vault_gateway.shapes import CURSOR_FIELD, ORDER_FIELD, TOKEN_FIELD, ListAsItIs, TenantSchema

KINDS = tuple(kind.value for kind in Kind)

MAX_ITEMS = 10_000


class TokenizeSchema(TenantSchema):
    order = fields.String(validate=ORDER_FIELD)
    items = ListAsItIs(fields.Raw(allow_none=True), required=True, validate=validate.Length(1, MAX_ITEMS))


class LookupSchema(TenantSchema):
    tokens = fields.List(
        fields.String(validate=validate.Length(max=64)), required=True, validate=validate.Length(1, MAX_ITEMS)
    )


class SearchSchema(TenantSchema):
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    value = fields.Raw()
    last4 = fields.String(validate=validate.Regexp(r"\A[0-9]{4}\Z", error="Four digits."))
    cursor = fields.String(validate=CURSOR_FIELD)
    limit = fields.Integer(strict=True, validate=validate.Range(1, 500), load_default=100)


class OrderSchema(TenantSchema):
    """The query of an order's tokens."""

    cursor = fields.String(validate=CURSOR_FIELD)
    limit = fields.Integer(validate=validate.Range(1, 500), load_default=100)


class RecipientTokensSchema(Schema):
    name = fields.String(required=True, validate=TOKEN_FIELD)
    phone = fields.String(required=True, validate=TOKEN_FIELD)
    address = fields.String(required=True, validate=TOKEN_FIELD)


class MatchSchema(TenantSchema):
    recipients = fields.List(
        fields.Nested(RecipientTokensSchema), required=True, validate=validate.Length(1, 1000)
    )
