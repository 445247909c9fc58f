"""Shape of the question for usage."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from marshmallow import ValidationError, fields, validate

from vault_gateway.shapes import SLUG_FIELD, TenantSchema

_MONTH = re.compile(r"2\d{3}-(?:0[1-9]|1[0-2])", re.ASCII)


class MonthField(fields.String):
    """`YYYY-MM`, as its first day."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not _MONTH.fullmatch(text):
            raise ValidationError("A month is YYYY-MM.")
        return date.fromisoformat(f"{text}-01")


class UsageSchema(TenantSchema):
    month = MonthField(required=True, metadata={"pattern": "^2[0-9]{3}-(0[1-9]|1[0-2])$"})
    network = fields.String(validate=SLUG_FIELD)
    carrier = fields.String(validate=SLUG_FIELD)
    by = fields.String(
        validate=validate.Regexp(
            r"\A(?:network|carrier|merchant)(?:,(?:network|carrier|merchant)){0,2}\Z",
            error="Some of network, carrier and merchant, with commas between them.",
        )
    )
    format = fields.String(validate=validate.OneOf(["json", "csv"]), load_default="json")
