"""Addresses: a region that may be shown and counted, and a detail that may not."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from vault_gateway.tokens.free_text import split_address
from vault_gateway.tokens.levels import Place, incomplete, read_place
from vault_gateway.tokens.text import ValueRefused, require_some, require_text, tidy

LONGEST = 1024
_FIELDS = frozenset({"country", "province", "city", "district", "township", "detail", "postcode"})
_POSTCODE = re.compile(r"[A-Za-z0-9 -]{2,12}")
_COUNTRY = re.compile(r"[A-Z]{2}")
# The house begins where the street's name ends; the name is letters, so that nothing else goes with it.
_CHINESE_STREET = re.compile(r"[\u4e00-\u9fff]{1,15}?(?:大道|大街|公路|胡同|路|街(?!道)|巷|弄)")
_ENGLISH_STREET = re.compile(
    r"(?:\A|[\s,])[0-9]+[A-Za-z]?,? ((?:[^\W\d]+[ .'-]+){1,4}"
    r"(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Boulevard|Blvd|Way|Square|Sq)\b)",
    re.IGNORECASE,
)


class AddressParts(NamedTuple):
    place: Place
    detail: str
    postcode: str | None


def normal_address(value: object) -> AddressParts:
    """Parts of a structured address, of `{text}`, or of a plain string."""
    if isinstance(value, str):
        return _from_text(value)
    if not isinstance(value, dict):
        raise ValueRefused("value_invalid_type", "An address is an object or a string.")
    if "text" in value:
        if len(value) > 1:
            raise ValueRefused("address_unknown_field", "An address is either text or its parts.")
        return _from_text(value["text"])
    return _from_parts(value)


def _from_text(value: object) -> AddressParts:
    text = require_some(tidy(require_text(value, LONGEST), lines=True))
    return _from_parts(split_address(text))


def _from_parts(value: Mapping[Any, object]) -> AddressParts:
    part = _texts(value).get
    country = part("country") or "CN"
    if not _COUNTRY.fullmatch(country):
        raise ValueRefused("address_country_invalid", "country is an ISO 3166 code of two letters.")
    place = read_place(country, (part("province"), part("city"), part("district"), part("township")))
    detail = tidy(part("detail") or "", lines=True)
    if not detail:
        raise incomplete("a detail: what is behind the region")
    postcode = part("postcode")
    if postcode:
        postcode = tidy(postcode)
        if not _POSTCODE.fullmatch(postcode):
            raise ValueRefused("address_postcode_invalid", "This is not a postcode.")
    return AddressParts(place, require_some(detail), postcode or None)


def _texts(value: Mapping[Any, object]) -> Mapping[str, str | None]:
    """Known fields with texts, none too long and not all together."""
    if not value.keys() <= _FIELDS:
        raise ValueRefused("address_unknown_field", "An address has a field that is not known here.")
    total = 0
    for part in value.values():
        if isinstance(part, str):
            total += len(part)
        elif part is not None:
            raise ValueRefused("value_invalid_type", "Every field of an address is a string.")
    if total > LONGEST:
        raise ValueRefused("value_too_long", f"The address is longer than {LONGEST} characters.")
    return cast(Mapping[str, str | None], value)


def address_key(parts: AddressParts) -> bytes:
    """The same for the same door however it is spaced, punctuated, capitalised or cut into levels.

    A sign between two digits stays, as a dash: `3-12` is not `31-2`.
    """
    text = parts.place.within_country + parts.detail
    # Letters and digits, too, have other forms: `②` is one, and the same door as `2`.
    text = text if text.isascii() else unicodedata.normalize("NFKC", text)
    if not text.isalnum():
        text = _without_signs(text)
    return f"{parts.place.country}\n{text.casefold()}".encode()


def _without_signs(text: str) -> str:
    kept: list[str] = []
    sign = False
    for character in text:
        if not (character.isalnum() or unicodedata.category(character)[0] == "M"):
            sign = True
            continue
        if sign and character.isdigit() and kept and kept[-1].isdigit():
            kept.append("-")
        kept.append(character)
        sign = False
    return "".join(kept)


def street_of(detail: str) -> str:
    """The detail cut at the street, for sorting: no house, unit or room. Empty where no street is found."""
    if found := _CHINESE_STREET.match(detail):
        return found[0]
    found = _ENGLISH_STREET.search(detail)
    return found[1] if found else ""
