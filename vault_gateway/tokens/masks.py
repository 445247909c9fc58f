"""What of a value may be seen, as `policies/masking.yaml` says and the standard allows.

GB/T 41833-2022 asks for at least six hidden digits of a phone, one hidden character of a name, and for the
unit and room of an address to be hidden. A profile that shows more is refused at start.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates

from vault_gateway.errors import PolicyFileError
from vault_gateway.tokens.levels import Region
from vault_gateway.tokens.phones import split_country, split_extension
from vault_gateway.yamlfile import YamlFault, read_yaml

LEAST_HIDDEN_DIGITS = 6
LAST = 4
LEVELS = ("country", "province", "city", "district", "township")

_SIX_DIGITS = f"GB/T 41833-2022 hides at least {LEAST_HIDDEN_DIGITS} digits of a phone"
_ONE_CHARACTER = "GB/T 41833-2022 hides at least one character of a name"
_REGION_ONLY = (
    f"GB/T 41833-2022 hides what is behind the region of an address; readable levels are {', '.join(LEVELS)}"
)
_STARS = validate.Regexp(r"\A\*{1,8}\Z", error="1 to 8 asterisks")


class MaskingError(PolicyFileError):
    """The profile shows more than it may, or cannot be read; one line says where and which rule it breaks."""


def _count(least: int, most: int, rule: str | None = None) -> fields.Integer:
    return fields.Integer(required=True, strict=True, validate=validate.Range(least, most, error=rule))


class _PhoneSchema(Schema):
    keep_first = _count(0, 3)
    keep_last = _count(0, LAST)
    hide_at_least = _count(LEAST_HIDDEN_DIGITS, 15, _SIX_DIGITS)


class _NameSchema(Schema):
    keep_first = _count(0, 1, "more than the first character tells who it is")
    hide_at_least = _count(1, 8, _ONE_CHARACTER)
    hidden_as = fields.String(required=True, validate=_STARS)


class _AddressSchema(Schema):
    keep = fields.List(fields.String(validate=validate.OneOf(LEVELS, error=_REGION_ONLY)), required=True)
    hidden_as = fields.String(required=True, validate=_STARS)

    @validates("keep")
    def _outermost_first(self, keep: list[str], **_: object) -> None:
        if keep != [level for level in LEVELS if level in keep]:
            raise ValidationError("readable levels are named once each, outermost first")


class _ProfileSchema(Schema):
    phone = fields.Nested(_PhoneSchema, required=True)
    name = fields.Nested(_NameSchema, required=True)
    address = fields.Nested(_AddressSchema, required=True)


@dataclass(frozen=True, slots=True)
class MaskingProfile:
    phone_first: int
    phone_last: int
    phone_hidden: int
    name_first: int
    name_hidden: int
    name_hidden_as: str
    address_levels: tuple[str, ...]
    address_hidden_as: str

    @classmethod
    def load(cls, path: Path) -> MaskingProfile:
        """Raises MaskingError for a file that cannot be read, unknown keys, and whatever shows too much."""
        try:
            read: dict[str, Any] = _ProfileSchema().load(read_yaml(path))
        except ValidationError as error:
            raise MaskingError(f"{path}: {_first_line(error.messages)}") from None
        except YamlFault as error:
            raise MaskingError(f"{path}: {error}") from None
        phone, name, address = read["phone"], read["name"], read["address"]
        return cls(
            phone["keep_first"],
            phone["keep_last"],
            phone["hide_at_least"],
            name["keep_first"],
            name["hide_at_least"],
            name["hidden_as"],
            tuple(address["keep"]),
            address["hidden_as"],
        )

    def phone(self, e164: str) -> str:
        """`1******1234`; with its calling code where that is not +86. However short the number, the hidden
        digits stay hidden: the first readable ones go before the last."""
        return self.phone_and_last4(e164)[0]

    def shown_last4(self, e164: str) -> str | None:
        """The last four digits where the mask shows them all: what is hidden must not be searchable."""
        return self.phone_and_last4(e164)[1]

    def phone_and_last4(self, e164: str) -> tuple[str, str | None]:
        """`phone` and `shown_last4` for the price of one. Of a virtual number the extension is hidden, and its last
        four digits find nobody: they are the platform's that gave it out."""
        number, extension = split_extension(e164)
        if extension is not None:
            return f"{self.phone(number)}-{'*' * len(extension)}", None
        country, national = split_country(number)
        first, hidden, last = _shape(self.phone_first, self.phone_hidden, self.phone_last, len(national))
        shown = national[len(national) - last :]
        masked = national[:first] + hidden + shown
        return masked if country == "86" else f"+{country} {masked}", shown if last == LAST else None

    def name(self, name: str) -> str:
        """The first character with its marks, where enough others stay hidden; then always as many signs."""
        first = _graphemes(name, self.name_first)
        hidden = _count_graphemes(name[len(first) :], self.name_hidden)
        return (first if hidden >= self.name_hidden else "") + self.name_hidden_as

    def address(self, region: Region) -> str:
        """The readable levels, then the sign that more is hidden; municipalities are not named twice."""
        return _readable(self.address_levels, region) + self.address_hidden_as


@lru_cache(maxsize=64)
def _shape(most_first: int, least_hidden: int, most_last: int, digits: int) -> tuple[int, str, int]:
    """How many of so many digits are readable at the start, the signs behind them, and how many at the end."""
    readable = max(0, digits - least_hidden)
    last = min(most_last, readable)
    first = min(most_first, readable - last)
    return first, "*" * (digits - first - last), last


@lru_cache(maxsize=16_384)
def _readable(levels: tuple[str, ...], region: Region) -> str:
    """Few regions get most parcels, and they are no secret."""
    named = dict(region)
    names = [named[level] for level in levels if named.get(level)]
    shown = [name for at, name in enumerate(names) if at == 0 or name != names[at - 1]]
    between = "" if named.get("country") == "CN" else ", "
    return "".join(name + between for name in shown)


def _graphemes(text: str, count: int) -> str:
    """The first `count` characters, each with the marks and joiners that belong to it."""
    end = 0
    while count and end < len(text):
        end, count = end + 1, count - 1
        while end < len(text) and _belongs_to_former(text[end]):
            end += 1
    return text[:end]


def _count_graphemes(text: str, enough: int) -> int:
    """How many characters with marks of their own, white space aside; counting stops at `enough`."""
    count = 0
    for character in text:
        if count == enough:
            break
        count += not (character == " " or _belongs_to_former(character))
    return count


def _belongs_to_former(character: str) -> bool:
    return not character.isalnum() and (
        character in "\u200c\u200d" or unicodedata.category(character)[0] == "M"
    )


def _first_line(messages: Any, where: str = "") -> str:
    """`phone.hide_at_least: GB/T 41833-2022 ...`: the first of marshmallow's nested messages."""
    if isinstance(messages, dict):
        key, inner = next(iter(messages.items()))
        return _first_line(inner, str(key) if key == "_schema" or not where else f"{where}.{key}")
    return f"{where}: {messages[0]}"
