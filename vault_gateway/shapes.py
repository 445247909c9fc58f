"""Shapes that bodies and queries of several rooms share."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from vault_gateway.model import SLUG

SLUG_FIELD = validate.Regexp(rf"\A{SLUG.pattern}\Z", error="1 to 40 of a-z, 0-9 and -.")
_ORDER = re.compile(r"\A[A-Za-z0-9][A-Za-z0-9._:-]{0,63}\Z")
ORDER_FIELD = validate.Regexp(_ORDER, error="1 to 64 of A-Z, a-z, 0-9 and ._:-.")
CURSOR_FIELD = validate.Regexp(r"\A[0-9a-hjkmnp-tv-z]{26}\Z", error="Not a cursor of this list.")
TOKEN_FIELD = validate.Regexp(r"\A(ph|ad|nm)_[0-9a-hjkmnp-tv-z]{26}\Z", error="Not a token.")


_NO_TIME: dict[str, str | list[Any] | dict[Any, Any]] = {
    "invalid": "Not a time of RFC 3339.",
    "invalid_awareness": "A time needs its zone: Z or +08:00.",
}


def time_given(**named: Any) -> fields.AwareDateTime:
    """RFC 3339, with its zone."""
    return fields.AwareDateTime(format="iso", error_messages=_NO_TIME, **named)


class TrueOrFalse(fields.Boolean):
    """A JSON boolean. To marshmallow 1 is true, for in Python it equals True."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class ListAsItIs(fields.List[Any]):
    """A list of anything, which a service reads item by item: marshmallow would visit each of 10,000 to say nothing."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> list[Any]:
        if not isinstance(value, list):
            raise self.make_error("invalid")
        return value


class EachByItself(fields.List[Any]):
    """A list whose items fail each by itself: in the place of one that is misshapen stands what is wrong with it."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> list[Any]:
        if not isinstance(value, list):
            raise self.make_error("invalid")
        return [self._read(item) for item in value]

    def _read(self, item: Any) -> Any:
        try:
            return self.inner.deserialize(item)
        except ValidationError as fault:
            return fault


class TenantSchema(Schema):
    """`platform` and `merchant` default to the caller's own."""

    platform = fields.String(validate=SLUG_FIELD)
    merchant = fields.String(validate=SLUG_FIELD)


class PlainNested(fields.Nested):
    """For bodies of many items: what its schema would plainly take as it is, is taken as it is. All else the schema
    reads, at ten times the cost, and says what is wrong with it. `read_always` are the fields that a rule of the
    whole schema speaks of."""

    def __init__(self, nested: type[Schema], *, read_always: Collection[str] = (), **named: Any) -> None:
        super().__init__(nested, **named)
        self._is_plain = _plainness(nested(), read_always)

    def _deserialize(self, value: Any, *arguments: Any, **named: Any) -> Any:
        return value if self._is_plain(value) else super()._deserialize(value, *arguments, **named)


def _plainness(schema: Schema, read_always: Collection[str] = ()) -> Callable[[Any], bool]:
    tests = {
        name: test
        for name, field in schema.fields.items()
        if name not in read_always and (test := _plain_value(field)) is not None
    }
    required = {name for name, field in schema.fields.items() if field.required}

    def is_plain(value: Any) -> bool:
        return (
            isinstance(value, dict)
            and value.keys() >= required
            and all((test := tests.get(name)) is not None and test(inner) for name, inner in value.items())
        )

    return is_plain


def _plain_value(field: fields.Field[Any]) -> Callable[[Any], bool] | None:
    """None for a field whose values the schema has to read."""
    if isinstance(field, fields.Nested):
        return _plainness(field.schema)
    if isinstance(field, TrueOrFalse):
        return lambda value: isinstance(value, bool)
    if type(field) is not fields.String or len(field.validators) != 1:
        return None
    [only] = field.validators
    if not isinstance(only, validate.Regexp):
        return None
    pattern: re.Pattern[Any] = only.regex
    return lambda value: isinstance(value, str) and pattern.match(value) is not None


def is_order(text: str) -> bool:
    """Could an order be called so? For what stands in a path and no schema sees."""
    return _ORDER.match(text) is not None
