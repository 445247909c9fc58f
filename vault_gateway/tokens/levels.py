"""The levels of a region. They are printed on labels and counted, so nothing private may hide in them."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import orjson

from vault_gateway.tokens.regions import CITIES, PROVINCES, is_municipality
from vault_gateway.tokens.text import ValueRefused, tidy

LONGEST_LEVEL = 40

Region = tuple[tuple[str, str], ...]
Levels = tuple[str | None, str | None, str | None, str | None]

_HAN = r"[\u3007\u3400-\u4dbf\u4e00-\u9fff]"
_NUMERAL = "[〇零一二三四五六七八九十幺两]"
# No phone spelled out, no house. No more words than these: townships are named after towers and gardens too.
_NO_HOUSE = rf"(?!.*(?:{_NUMERAL}{{5}}|{_NUMERAL}号|小区|公寓|单元))"
_ENDS = {
    "city": "(?:市|自治州|地区|盟|县|林区|特别行政区|县级行政区划|岛|九龙|新界)",
    "district": "(?:[区县市旗岛])",
    "township": "(?:街道|镇|乡|苏木|办事处|地区|新区|开发区|管理区|示范区|风景区|度假区|工业区|园区|保税区"
    "|矿区|高新区|管委会|农场|林场|牧场|渔场|茶场|团场?)",
}
_CHINESE = {level: re.compile(f"{_NO_HOUSE}{_HAN}{{1,20}}{end}") for level, end in _ENDS.items()}
_TOWN = re.compile(f"{_NO_HOUSE}{_HAN}{{1,14}}(?:街道|镇|乡)")
# Words for "directly under the one above", which name nothing.
_PLACEHOLDERS = frozenset(
    {"市辖区", "县", "城区", "省直辖县级行政区划", "自治区直辖县级行政区划", "省直辖县"}
)
_SIGNS = frozenset(" ·-'’().")
_MOST_DIGITS = 4


class Place(NamedTuple):
    """A region with what every address in it is asked for: its levels by name, all but the country written as one,
    and its fingerprint."""

    region: Region
    named: Mapping[str, str]
    country: str
    within_country: str
    fingerprint: str


@lru_cache(maxsize=16_384)
def read_place(country: str, levels: Levels) -> Place:
    """As `read_region`. Few regions get most parcels, and they are no secret, so what was once read well is
    remembered."""
    region = read_region(country, levels)
    named = dict(region)
    return Place(region, named, country, "".join(name for _, name in region[1:]), fingerprint_of(named))


def read_region(country: str, levels: Levels) -> Region:
    """Province, city, district and township, checked and in full, as pairs of level and name, country first.

    Refused as `address_incomplete` or `address_region_invalid`.
    """
    province, city, district, township = (_tidy(level) for level in levels)
    if country == "CN":
        names = _chinese(province, city, district, township)
    else:
        names = _foreign(province, city, district, township)
    pairs = zip(("country", "province", "city", "district", "township"), (country, *names), strict=True)
    return tuple((level, name) for level, name in pairs if name)


def fingerprint_of(region: Mapping[str, str]) -> str:
    """64 bits will do: under the key of the ciphertext nobody sees what to look for."""
    return hashlib.sha256(orjson.dumps(region, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def read_prefix(province: str, city: str, district: str, township: str) -> tuple[str, ...]:
    """The full names of a Chinese region, as far as it goes: `("浙江省", "杭州市")` of `浙江, 杭州`.

    Unlike an address, which may lie in a county that is newer than this program, it names what is known. Refused as
    `address_incomplete` with a level left out between two, as `address_region_invalid` for what is not known.
    """
    province, city, district, township = (
        _tidy(level).replace(" ", "") for level in (province, city, district, township)
    )
    full = PROVINCES.get(province)
    if full is None:
        raise _not_a("province")
    if not (city or district or township):
        return (full,)
    if district or township:
        full, city, district, township = _chinese(province, city, district, township)
    else:
        city = _chinese_city(full, city, "")
    known = CITIES[full].get(city)
    if known is None:
        raise _not_a("city")
    if district and known.districts and district not in known.full_districts:
        raise _not_a("district")
    return tuple(name for name in (full, city, district, township) if name)


def _tidy(level: str | None) -> str:
    return "" if level is None else unicodedata.normalize("NFKC", tidy(level)).strip()


def _foreign(*names: str) -> tuple[str, ...]:
    if not (names[0] and names[1]):
        raise incomplete("province, city and detail")
    for level, name in zip(("province", "city", "district", "township"), names, strict=True):
        if name and not _is_words(name):
            raise _not_a(level)
    return names


def _is_words(name: str) -> bool:
    """Letters and the signs of names; a number of two digits at most, as in `Paris 15`."""
    letters = sum(unicodedata.category(c)[0] == "L" for c in name)
    digits = sum(c.isdigit() for c in name)
    odd = any(not (c in _SIGNS or c.isdigit() or unicodedata.category(c)[0] in "LM") for c in name)
    too_long = len(name) > LONGEST_LEVEL or digits > _MOST_DIGITS or re.search(r"\d{3}", name) is not None
    return letters > 0 and not odd and not too_long


def _chinese(province: str, city: str, district: str, township: str) -> tuple[str, ...]:
    province, city, district, township = (
        name.replace(" ", "") for name in (province, city, district, township)
    )
    if not province or not (city or province in PROVINCES):
        raise incomplete("province, city, district and detail")
    full = PROVINCES.get(province)
    if full is None:
        raise _not_a("province")
    city = _chinese_city(full, city, district)
    known = CITIES[full].get(city)
    districts = known.districts if known is not None else {}
    has_towns_only = known is not None and not districts
    if has_towns_only and not district:
        district, township = township, ""
    if not district and list(districts) == [city]:
        district = city
    if not district:
        raise incomplete("province, city, district and detail")
    if district in districts:
        district = districts[district]
    else:
        _require_level("district", district, or_town=has_towns_only)
    if township:
        _require_level("township", township)
    return full, city, district, township


def _chinese_city(province: str, city: str, district: str) -> str:
    """The city's full name. What stands directly under its province is the city and the district in one."""
    if is_municipality(province) and (city in _PLACEHOLDERS or not city):
        return province
    if city in _PLACEHOLDERS:
        city = district
    if not city:
        raise incomplete("province, city, district and detail")
    known = CITIES[province].get(city)
    if known is not None:
        return known.name
    _require_level("city", city)
    return city


def _require_level(level: str, name: str, *, or_town: bool = False) -> None:
    if not (_CHINESE[level].fullmatch(name) or (or_town and _TOWN.fullmatch(name))):
        raise _not_a(level)


def incomplete(needed: str) -> ValueRefused:
    return ValueRefused("address_incomplete", f"An address needs {needed}.")


def _not_a(level: str) -> ValueRefused:
    return ValueRefused(
        "address_region_invalid",
        f"The {level} is not the name of one; what is behind the region goes to detail.",
    )
