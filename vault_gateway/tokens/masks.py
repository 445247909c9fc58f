"""What of a value may be seen, as `policies/masking.yaml` says and the standard allows.

GB/T 41833-2022 asks for at least six hidden digits of a phone, one hidden character of a name, and for the
unit and room of an address to be hidden. A profile that shows more is refused at start.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import Path

import yaml
from marshmallow import Schema, ValidationError, fields, post_load, validate

from vault_gateway.tokens.phones import split_country

LEAST_HIDDEN_DIGITS = 6
LAST = 4
LEVELS = ("country", "province", "city", "district", "township")


class MaskingError(Exception):
    """The profile shows more than it may, or cannot be read; the message says which rule it breaks."""


class _PhoneSchema(Schema):
    keep_first = fields.Integer(required=True, validate=validate.Range(0, 3))
    keep_last = fields.Integer(required=True, validate=validate.Range(0, LAST))
    hide_at_least = fields.Integer(
        required=True,
        validate=validate.Range(
            LEAST_HIDDEN_DIGITS, 15, error="GB/T 41833-2022 hides at least 6 digits of a phone"
        ),
    )


class _NameSchema(Schema):
    keep_first = fields.Integer(
        required=True, validate=validate.Range(0, 1, error="more than the first character tells who it is")
    )
    hide_at_least = fields.Integer(
        required=True, validate=validate.Range(1, 8, error="GB/T 41833-2022 hides at least one character of a name")
    )
    hidden_as = fields.String(required=True, validate=validate.Regexp(r"\A\*{1,8}\Z"))


class _AddressSchema(Schema):
    keep = fields.List(
        fields.String(
            validate=validate.OneOf(LEVELS, error="GB/T 41833-2022 hides what is behind the region of an address")
        ),
        required=True,
    )
    hidden_as = fields.String(required=True, validate=validate.Regexp(r"\A\*{1,8}\Z"))


class _ProfileSchema(Schema):
    phone = fields.Nested(_PhoneSchema, required=True)
    name = fields.Nested(_NameSchema, required=True)
    address = fields.Nested(_AddressSchema, required=True)

    @post_load
    def _build(self, data: dict[str, dict[str, object]], **_: object) -> MaskingProfile:
        phone, name, address = data["phone"], data["name"], data["address"]
        return MaskingProfile(
            int(str(phone["keep_first"])),
            int(str(phone["keep_last"])),
            int(str(phone["hide_at_least"])),
            int(str(name["keep_first"])),
            str(name["hidden_as"]),
            tuple(str(level) for level in address["keep"]),  # type: ignore[attr-defined]  # a list by schema
            str(address["hidden_as"]),
        )


@dataclass(frozen=True, slots=True)
class MaskingProfile:
    phone_first: int
    phone_last: int
    phone_hidden: int
    name_first: int
    name_hidden_as: str
    address_levels: tuple[str, ...]
    address_hidden_as: str

    @classmethod
    def load(cls, path: Path) -> MaskingProfile:
        try:
            profile = _ProfileSchema().load(yaml.safe_load(path.read_text(encoding="utf-8")))
        except (OSError, yaml.YAMLError, ValidationError) as error:
            raise MaskingError(f"{path}: {error}") from None
        assert isinstance(profile, cls)
        return profile

    def phone(self, e164: str) -> str:
        """`1******1234`; with its calling code where that is not +86. However short the number, the hidden
        digits stay hidden: the first readable ones go before the last."""
        country, national = split_country(e164)
        first, last = self._readable(len(national))
        hidden = "*" * (len(national) - first - last)
        masked = national[:first] + hidden + national[len(national) - last :]
        return masked if country == "86" else f"+{country} {masked}"

    def shown_last4(self, e164: str) -> str | None:
        """The last four digits where the mask shows them all: what is hidden must not be searchable."""
        _, national = split_country(e164)
        return national[-LAST:] if self._readable(len(national))[1] == LAST else None

    def name(self, name: str) -> str:
        first = _first_grapheme(name) if self.name_first else ""
        return (first if len(first) < len(name) else "") + self.name_hidden_as

    def address(self, region: dict[str, str]) -> str:
        """The readable levels, then the sign that more is hidden; municipalities are not named twice."""
        parts: list[str] = []
        for level in self.address_levels:
            part = region.get(level)
            if part and part not in parts:
                parts.append(part)
        parts.append(self.address_hidden_as)
        return ("" if region.get("country") == "CN" else ", ").join(parts)

    def _readable(self, digits: int) -> tuple[int, int]:
        allowed = max(0, digits - self.phone_hidden)
        last = min(self.phone_last, allowed)
        return min(self.phone_first, allowed - last), last


def _first_grapheme(text: str) -> str:
    """The first character with the marks that belong to it."""
    end = 1
    while end < len(text) and unicodedata.combining(text[end]):
        end += 1
    return text[:end]
