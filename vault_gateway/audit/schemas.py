"""Shape of the questions to the access log."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from vault_gateway.audit.export import FORMATS
from vault_gateway.shapes import CURSOR_FIELD, time_given

# Nothing recorded holds a control character, and PostgreSQL takes no NUL in a text.
_TEXT = [
    validate.Length(1, 200),
    validate.Regexp(r"\A[^\x00-\x1f\x7f]*\Z", error="No control characters."),
]


class QuestionSchema(Schema):
    actor = fields.String(validate=_TEXT, metadata={"description": "`key:NAME` or `jwt:ISSUER_ID:SUB`."})
    role = fields.String(validate=_TEXT)
    action = fields.String(validate=_TEXT)
    outcome = fields.String(validate=validate.OneOf(["allow", "deny", "error"]))
    waybill = fields.String(validate=_TEXT)
    order = fields.String(validate=_TEXT)
    token = fields.String(validate=_TEXT)
    carrier = fields.String(validate=_TEXT)
    station = fields.String(validate=_TEXT)
    purpose = fields.String(validate=_TEXT)
    from_ = time_given(data_key="from")
    to = time_given()


class EventsSchema(QuestionSchema):
    cursor = fields.String(validate=CURSOR_FIELD)
    limit = fields.Integer(validate=validate.Range(1, 1000), load_default=100)


class ExportSchema(QuestionSchema):
    format = fields.String(required=True, validate=validate.OneOf(list(FORMATS)))
