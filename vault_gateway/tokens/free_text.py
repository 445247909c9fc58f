"""Chinese addresses written in one line, told apart by the names of the divisions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

from vault_gateway.tokens.regions import (
    CITIES,
    CITY_OF_DISTRICT,
    PROVINCES,
    UNIQUE_CITIES,
    City,
    is_municipality,
)
from vault_gateway.tokens.text import ValueRefused

T = TypeVar("T")

_SEPARATORS = " ,.;:/|、。-"
_LONGEST_NAME = 16
# A name that holds none of these is no street and no house.
_NAME = r"(?:(?![路街巷号弄村栋幢座楼室])[\u4e00-\u9fff])"
# New zones are districts in everything but law, and in no list.
_OTHER_DISTRICT = re.compile(
    rf"{_NAME}{{2,12}}?(?:自治县|自治旗|开发区|高新区|新区|林区|(?<![小社校园])[区县旗])"
)
_TOWNSHIP = re.compile(rf"{_NAME}{{1,8}}?(?:路?街道(?:办事处)?|镇|乡|苏木)(?![路街东西南北中])")
_POSTCODE = re.compile(r"[ ,.;(]*邮(?:政)?编(?:码)?[ :]*([0-9]{6})\)?")


def split_address(text: str) -> dict[str, str]:
    """Province, city, district, township where there is one, detail, and postcode where it is named as one.

    Refused as `address_unparsed` where province, city, district and detail cannot be told apart.
    """
    text, postcode = _cut_postcode(text)
    rest = text.removeprefix("中华人民共和国").removeprefix("中国").lstrip(_SEPARATORS)
    city, rest = _take_city(rest)
    if city is None:
        raise _unparsed()
    district, rest = _take_district(city, rest)
    township, detail = _take_match(_TOWNSHIP, rest) if city.districts else ("", rest)
    if not (district and detail):
        raise _unparsed()
    parts = {"province": city.province, "city": city.name, "district": district, "township": township}
    return {
        name: value for name, value in (parts | {"detail": detail, "postcode": postcode}).items() if value
    }


def _take_city(text: str) -> tuple[City | None, str]:
    province, rest = _take(text, PROVINCES)
    if province is None:
        return _take(text, UNIQUE_CITIES)
    if is_municipality(province):
        again, after = _take(rest, {province: province, "市辖区": province})
        return CITIES[province][province], rest if again is None else after
    city, after = _take(rest, CITIES[province])
    if city is not None:
        return city, after
    # `浙江省义乌市`: the prefecture is often left out, and the county alone tells which.
    city, _ = _take(rest, CITY_OF_DISTRICT[province])
    return city, rest


def _take_district(city: City, text: str) -> tuple[str | None, str]:
    district, rest = _take(text, city.full_districts)
    if district is not None:
        return district, rest
    if list(city.full_districts) == [city.name]:
        return city.name, text
    # A short name counts where it stands alone: `朝阳 ...`, but not `朝阳门外大街`.
    head = re.split(f"[{re.escape(_SEPARATORS)}]", text, maxsplit=1)[0]
    if head in city.districts:
        return city.districts[head], text[len(head) :].lstrip(_SEPARATORS)
    found, rest = _take_match(_OTHER_DISTRICT if city.districts else _TOWNSHIP, text)
    return found or None, rest


def _take(text: str, names: Mapping[str, T | None]) -> tuple[T | None, str]:
    """What the longest name that `text` begins with stands for, and the text behind it."""
    for size in range(min(len(text), _LONGEST_NAME), 1, -1):
        found = names.get(text[:size])
        if found is not None:
            return found, text[size:].lstrip(_SEPARATORS)
    return None, text


def _take_match(pattern: re.Pattern[str], text: str) -> tuple[str, str]:
    found = pattern.match(text)
    return (found[0], text[found.end() :].lstrip(_SEPARATORS)) if found else ("", text)


def _cut_postcode(text: str) -> tuple[str, str]:
    found = _POSTCODE.search(text)
    return (text[: found.start()] + text[found.end() :], found[1]) if found else (text, "")


def _unparsed() -> ValueRefused:
    return ValueRefused(
        "address_unparsed",
        "Province, city, district and detail cannot be told apart: send the address in parts.",
    )
