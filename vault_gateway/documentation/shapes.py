"""Shapes of answers that several rooms share, and the made-up values of the examples."""

from __future__ import annotations

from marshmallow import EXCLUDE, Schema, fields, validate

from vault_gateway.documentation.codes import CODES, OF_ITEMS
from vault_gateway.shapes import CURSOR_FIELD, TOKEN_FIELD

NAME = "nm_01m74sxx00ebhvyypzq2v645cb"
PHONE = "ph_01m74sxx00ehhapkn3c9vp3gwa"
ADDRESS = "ad_01m74sxx00fkea2bprmjdbt0ky"
CURSOR = "01m74sxx00eksr8hfnxbxz057j"
REQUEST_ID = "01m74sxx01eksr8hfnxbxz057j"
TIME = "2026-11-11T08:00:00.120000Z"
RECIPIENT = {"name": NAME, "phone": PHONE, "address": ADDRESS}
MASKED = {"name": "张**", "phone": "1******1234", "address": "浙江省杭州市西湖区****"}


class AnswerSchema(Schema):
    """Answers may grow: a client ignores what it does not know."""

    class Meta:
        unknown = EXCLUDE


class ProblemErrorSchema(AnswerSchema):
    pointer = fields.String(required=True, metadata={"description": "JSON Pointer of the field."})
    detail = fields.String(required=True)


class ProblemSchema(AnswerSchema):
    type = fields.String(required=True, metadata={"description": "`urn:vault-gateway:error:` and the code."})
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    code = fields.String(
        required=True,
        metadata={"description": "Stable. What a program decides by.", "examples": ["not_found"]},
    )
    detail = fields.String(required=True, metadata={"description": "For a person. Never repeats a value."})
    request_id = fields.String(required=True, metadata={"examples": [REQUEST_ID]})
    errors = fields.List(fields.Nested(ProblemErrorSchema))


class ItemErrorSchema(AnswerSchema):
    code = fields.String(required=True, validate=validate.OneOf(tuple(CODES)))
    detail = fields.String(required=True)


class ItemOnlyErrorSchema(AnswerSchema):
    error = fields.Nested(ItemErrorSchema, required=True)


class ValueErrorSchema(AnswerSchema):
    code = fields.String(required=True, validate=validate.OneOf(OF_ITEMS))
    detail = fields.String(required=True)


class PageSchema(AnswerSchema):
    next = fields.String(
        validate=CURSOR_FIELD,
        metadata={"description": "Cursor of the following page; absent on the last one."},
    )


class MaskedPartySchema(AnswerSchema):
    name = fields.String(required=True, metadata={"examples": [MASKED["name"]]})
    phone = fields.String(required=True, metadata={"examples": [MASKED["phone"]]})
    address = fields.String(required=True, metadata={"examples": [MASKED["address"]]})


def token_field(**more: object) -> fields.String:
    return fields.String(required=True, validate=TOKEN_FIELD, metadata=more)


def time_field(*, required: bool = True, **more: object) -> fields.AwareDateTime:
    return fields.AwareDateTime(required=required, format="iso", metadata={"examples": [TIME], **more})
