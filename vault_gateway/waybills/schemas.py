"""Shapes of the waybills room's bodies and queries."""

from __future__ import annotations

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from vault_gateway.shapes import (
    CURSOR_FIELD,
    ORDER_FIELD,
    SLUG_FIELD,
    EachByItself,
    PlainNested,
    TenantSchema,
    TrueOrFalse,
    time_given,
)
from vault_gateway.tokens.schemas import RecipientTokensSchema
from vault_gateway.waybills.states import EVENT_TYPES, State

MAX_ORDERS = 1000
# Upper case, digits and hyphens with a letter, or at least 12 digits: a bare phone number is no waybill number.
NUMBER = r"\A(?:(?=.*[A-Z])[A-Z0-9][A-Z0-9-]{6,30}[A-Z0-9]|[0-9]{12,20})\Z"


class OrderSchema(Schema):
    network = fields.String(required=True, validate=SLUG_FIELD)
    carrier = fields.String(required=True, validate=SLUG_FIELD)
    order = fields.String(validate=ORDER_FIELD)
    recipient = fields.Nested(RecipientTokensSchema, required=True)
    sender = fields.Nested(RecipientTokensSchema)
    waybill_no = fields.String(
        validate=validate.Regexp(
            NUMBER, error="8 to 32 of A-Z, 0-9 and -, with a letter; or 12 to 20 digits."
        )
    )
    branch = fields.String(validate=SLUG_FIELD)
    relay = TrueOrFalse()

    @validates_schema
    def _numbered_once(self, data: dict[str, object], **_: object) -> None:
        if "branch" in data and "waybill_no" in data:
            raise ValidationError("A number of one's own is of no branch's segment.", "branch")


class OneWaybillSchema(OrderSchema, TenantSchema):
    pass


class ManyWaybillsSchema(TenantSchema):
    merge = TrueOrFalse(load_default=False)
    items = EachByItself(
        PlainNested(OrderSchema, read_always=("branch",)),
        required=True,
        validate=validate.Length(1, MAX_ORDERS),
    )


class BindingSchema(Schema):
    waybill_no = fields.String(
        required=True, validate=validate.Regexp(r"\A[!-~]{1,64}\Z", error="1 to 64 visible ASCII characters.")
    )
    mode = fields.String(validate=validate.OneOf(["extension", "axb"]), load_default="extension")
    expires_at = time_given()


class CounterSearchSchema(Schema):
    last4 = fields.String(required=True, validate=validate.Regexp(r"\A[0-9]{4}\Z", error="Four digits."))


class CorrectionSchema(Schema):
    recipient = fields.Nested(RecipientTokensSchema, required=True)


class EventSchema(Schema):
    type = fields.String(required=True, validate=validate.OneOf(EVENT_TYPES))
    courier = fields.String(validate=SLUG_FIELD)
    station = fields.String(validate=SLUG_FIELD)
    deliver_by = time_given()
    at = time_given()

    @validates_schema
    def _fits_type(self, data: dict[str, object], **_: object) -> None:
        if "courier" in data and data.get("type") != State.OUT_FOR_DELIVERY:
            raise ValidationError("Only out_for_delivery takes a courier.", "courier")
        if "deliver_by" in data and data.get("type") != State.OUT_FOR_DELIVERY:
            raise ValidationError("Only out_for_delivery takes deliver_by.", "deliver_by")
        if "station" in data and data.get("type") != State.AT_STATION:
            raise ValidationError("Only at_station takes a station.", "station")


class ListSchema(TenantSchema):
    courier = fields.String(validate=validate.Equal("me", error="Only `me`."))
    state = fields.String(validate=validate.OneOf([state.value for state in State]))
    since = time_given()
    order = fields.String(validate=ORDER_FIELD)
    cursor = fields.String(validate=CURSOR_FIELD)
    limit = fields.Integer(validate=validate.Range(1, 500), load_default=100)
