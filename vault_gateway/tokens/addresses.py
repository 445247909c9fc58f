"""Addresses: a region that may be shown and counted, and a detail that may not."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vault_gateway.tokens.regions import PROVINCE_OF_NAME
from vault_gateway.tokens.text import ValueRefused, require_some, require_text, tidy

LONGEST = 1024
_LONGEST_LEVEL = 40
_FIELDS = ("country", "province", "city", "district", "township", "detail", "postcode")
_POSTCODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 -]{0,10}[A-Za-z0-9]")
_COUNTRY = re.compile(r"[A-Z]{2}")

# A region is printed on labels: no street, no house and no phone may hide in one of its levels.
_DIGITS = re.compile(r"\d{2}")
_LEVEL_SIGNS = frozenset(" ·-'’().")
_CITY_END = re.compile(r"(?:市|自治州|地区|盟|县|区|州)\Z")
_DISTRICT_END = re.compile(r"(?:区|县|市|旗|自治县|自治旗|林区|特区|镇|街道)\Z")
_TOWNSHIP_END = re.compile(r"(?:街道|镇|乡|苏木|办事处|地区|开发区|园区|农场|林场|管委会)\Z")

_SPACE_AFTER_LEVEL = re.compile(r"(?<=[省市区县州盟旗镇乡道])[ ,]+")
_FREE_TEXT = re.compile(
    r"(?P<city>.{1,12}?(?:自治州|地区|盟|市))"
    r"(?P<district>.{1,14}?(?:自治县|自治旗|林区|特区|区|县|旗|市))"
    r"(?P<township>.{1,12}?(?:街道|镇|乡|苏木))?"
    r"(?P<detail>.+)"
)


@dataclass(frozen=True, slots=True)
class AddressParts:
    region: dict[str, str]
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


def _from_parts(value: dict[object, object]) -> AddressParts:
    if not value.keys() <= set(_FIELDS):
        raise ValueRefused("address_unknown_field", "An address has a field that is not known here.")
    parts = {name: tidy(require_text(value[name], LONGEST, lines=True)) for name in _FIELDS if value.get(name) is not None}
    if sum(map(len, parts.values())) > LONGEST:
        raise ValueRefused("value_too_long", f"The address is longer than {LONGEST} characters.")
    country = parts.get("country", "CN")
    if not _COUNTRY.fullmatch(country):
        raise ValueRefused("address_country_invalid", "country is an ISO 3166 code of two letters.")
    needed = ("province", "city", "district", "detail") if country == "CN" else ("city", "detail")
    if any(not parts.get(name) for name in needed):
        raise ValueRefused("address_incomplete", f"An address needs {', '.join(needed)}.")
    region = {"country": country}
    for level in ("province", "city", "district", "township"):
        if parts.get(level):
            region[level] = _level(level, parts[level], country)
    postcode = parts.get("postcode") or None
    if postcode is not None and not _POSTCODE.fullmatch(postcode):
        raise ValueRefused("address_postcode_invalid", "This is not a postcode.")
    return AddressParts(region, parts["detail"], postcode)


def _level(level: str, text: str, country: str) -> str:
    fits = len(text) <= _LONGEST_LEVEL and not _DIGITS.search(text)
    fits = fits and all(c.isalnum() or c in _LEVEL_SIGNS or not c.isascii() and c.isalpha() for c in text)
    if fits and country == "CN":
        text, fits = _chinese_level(level, text)
    if not fits:
        raise ValueRefused("address_region_invalid", f"The {level} is not the name of one.")
    return text


def _chinese_level(level: str, text: str) -> tuple[str, bool]:
    if not text.isascii():
        if level == "province":
            full = PROVINCE_OF_NAME.get(text)
            return (full or text), full is not None
        end = {"city": _CITY_END, "district": _DISTRICT_END, "township": _TOWNSHIP_END}[level]
        return text, end.search(text) is not None
    # Written in Latin letters: nothing to check it against, but it still holds no number.
    return text, not any(c.isdigit() for c in text)


def _from_text(value: object) -> AddressParts:
    text = require_some(tidy(require_text(value, LONGEST, lines=True)))
    compact = text.removeprefix("中国").lstrip(" ,")
    name = next((compact[:size] for size in range(8, 1, -1) if compact[:size] in PROVINCE_OF_NAME), None)
    if name is None:
        raise _unparsed()
    province, rest = PROVINCE_OF_NAME[name], compact[len(name) :].lstrip(" ,")
    if province.endswith("市"):
        # A municipality is its own city, written once, twice, or as "the districts of the city".
        rest = province + rest.removeprefix(province).lstrip(" ,").removeprefix("市辖区").lstrip(" ,")
    found = _FREE_TEXT.fullmatch(_SPACE_AFTER_LEVEL.sub("", rest))
    if found is None:
        raise _unparsed()
    parts: dict[object, object] = {"province": province, **{k: v for k, v in found.groupdict().items() if v}}
    try:
        return _from_parts(parts)
    except ValueRefused:
        raise _unparsed() from None


def _unparsed() -> ValueRefused:
    return ValueRefused(
        "address_unparsed", "Province, city, district and detail cannot be told apart: send the address in parts."
    )


# Where the street ends: its name with the word for street, road, lane or the like; the rest is the door.
_STREET = re.compile(r".*?(?:大道|大街|街道|公路|胡同|路|街|巷|弄|道)(?=[^路街巷]|\Z)")


def street_of(detail: str) -> str:
    """The detail cut at the street, for sorting: no house, unit or room. Empty where no street is found."""
    found = _STREET.match(detail)
    street = found[0] if found else ""
    return "" if any(c.isdigit() for c in street) else street
