"""Shape of the question for flows."""

from __future__ import annotations

import base64
import re
from datetime import date
from typing import Any

import orjson
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from vault_gateway.flows.asking import COLUMNS
from vault_gateway.flows.counting import TIMES, UNDER_WAY, UNKNOWN
from vault_gateway.flows.spans import FIRST
from vault_gateway.shapes import SLUG_FIELD
from vault_gateway.tokens.regions import PROVINCES
from vault_gateway.waybills.states import State

MOST_DAYS = 366
MOST_LINES = 2_000
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)


class RegionField(fields.String):
    """A province of China by its full or short name, any other country by its code, or `unknown`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if text in PROVINCES:
            return PROVINCES[text]
        if text == UNKNOWN or _COUNTRY.fullmatch(text):
            return text
        raise ValidationError("A province of China, a country's code of two letters, or unknown.")


class CursorField(fields.String):
    """The last line of a page: its values, in the order of the columns, the day first or empty."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            values = orjson.loads(base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True))
        except ValueError:
            values = None
        if not isinstance(values, list) or len(values) != len(COLUMNS) or not all(map(_is_text, values)):
            raise ValidationError("Not a cursor of this list.")
        if values[0]:
            fields.Date(format="iso").deserialize(values[0])
        return values


def _is_text(value: object) -> bool:
    return isinstance(value, str) and "\0" not in value


def cursor_after(values: list[str]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(values)).decode().rstrip("=")


_ANY = "|".join(COLUMNS)
_DAYS = validate.Range(FIRST, date(2999, 12, 31), error="A day from 2000 to 2999.")


class FlowsSchema(Schema):
    begins = fields.Date(data_key="from", required=True, format="iso", validate=_DAYS)
    ends = fields.Date(data_key="to", required=True, format="iso", validate=_DAYS)
    by = fields.String(
        load_default="",
        validate=validate.Regexp(
            rf"\A(?:(?:{_ANY})(?:,(?:{_ANY})){{0,{len(COLUMNS) - 1}}})?\Z",
            error=f"Some of {', '.join(COLUMNS)}, with commas between them.",
        ),
    )
    origin = RegionField()
    destination = RegionField()
    carrier = fields.String(validate=SLUG_FIELD)
    network = fields.String(validate=SLUG_FIELD)
    state = fields.String(validate=validate.OneOf([state.value for state in State]))
    time = fields.String(validate=validate.OneOf([*TIMES, UNDER_WAY]))
    cursor = CursorField()
    limit = fields.Integer(validate=validate.Range(1, MOST_LINES), load_default=500)

    @validates_schema
    def _some_days(self, data: dict[str, Any], **_: object) -> None:
        if "begins" in data and "ends" in data and not 0 <= (data["ends"] - data["begins"]).days < MOST_DAYS:
            raise ValidationError(f"From a day to the same or a later one, at most {MOST_DAYS} days.", "to")

    @validates_schema
    def _cursor_of_this_list(self, data: dict[str, Any], **_: object) -> None:
        if "cursor" in data and ("day" in data.get("by", "").split(",")) != bool(data["cursor"][0]):
            raise ValidationError("Not a cursor of this list.", "cursor")
