"""Shapes that bodies and queries of several rooms share."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import Schema, fields, validate

SLUG_FIELD = validate.Regexp(r"\A[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?\Z", error="1 to 40 of a-z, 0-9 and -.")
_ORDER = re.compile(r"\A[A-Za-z0-9][A-Za-z0-9._:-]{0,63}\Z")
ORDER_FIELD = validate.Regexp(_ORDER, error="1 to 64 of A-Z, a-z, 0-9 and ._:-.")
CURSOR_FIELD = validate.Regexp(r"\A[0-9a-hjkmnp-tv-z]{26}\Z", error="Not a cursor of this list.")
TOKEN_FIELD = validate.Regexp(r"\A(ph|ad|nm)_[0-9a-hjkmnp-tv-z]{26}\Z", error="Not a token.")


class TrueOrFalse(fields.Boolean):
    """A JSON boolean. To marshmallow 1 is true, for in Python it equals True."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class TenantSchema(Schema):
    """`platform` and `merchant` default to the caller's own."""

    platform = fields.String(validate=SLUG_FIELD)
    merchant = fields.String(validate=SLUG_FIELD)


def is_order(text: str) -> bool:
    """Could an order be called so? For what stands in a path and no schema sees."""
    return _ORDER.match(text) is not None
