from __future__ import annotations

import pytest

from vault_gateway.tokens.levels import read_region
from vault_gateway.tokens.regions import CITIES, PROVINCES


def test_the_country_is_whole() -> None:
    assert len(CITIES) == 34
    assert sum(len({id(city) for city in cities.values()}) for cities in CITIES.values()) == 392


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("广东", "广东省"),
        ("北京", "北京市"),
        ("内蒙古", "内蒙古自治区"),
        ("广西", "广西壮族自治区"),
        ("新疆", "新疆维吾尔自治区"),
    ],
)
def test_a_province_has_a_short_name(short: str, full: str) -> None:
    assert PROVINCES[short] == PROVINCES[full] == full


def test_every_district_in_the_table_is_taken_as_it_is_written() -> None:
    for province, cities in CITIES.items():
        for city in cities.values():
            for district in city.full_districts:
                region = dict(read_region("CN", (province, city.name, district, None)))
                assert (region["city"], region["district"]) == (city.name, district)
