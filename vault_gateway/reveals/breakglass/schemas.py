"""Shapes of the break-glass bodies and queries."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from vault_gateway.reveals.breakglass.justification import check_reason
from vault_gateway.reveals.schemas import WAYBILL_NO_FIELD
from vault_gateway.shapes import CURSOR_FIELD, TOKEN_FIELD

MOST_LISTED = 100


class BreakGlassSchema(Schema):
    waybill_no = fields.String(validate=WAYBILL_NO_FIELD)
    token = fields.String(validate=TOKEN_FIELD)
    reason = fields.String(required=True, validate=check_reason)

    @validates_schema
    def _one_of_both(self, data: dict[str, Any], **_: Any) -> None:
        if ("waybill_no" in data) == ("token" in data):
            raise ValidationError("Either waybill_no or token.")


class ApprovalSchema(Schema):
    reason = fields.String(required=True, validate=check_reason)


class BreakGlassListSchema(Schema):
    cursor = fields.String(validate=CURSOR_FIELD)
    limit = fields.Integer(load_default=50, validate=validate.Range(1, MOST_LISTED))
