"""Addresses in parts, and in one line (`tests/vectors/addresses.json`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vault_gateway.model import Kind
from vault_gateway.tokens.addresses import normal_address
from vault_gateway.tokens.normalise import Normaliser, reveal_value, street_of
from vault_gateway.tokens.text import ValueRefused

VECTORS = json.loads(Path("tests/vectors/addresses.json").read_text(encoding="utf-8"))["addresses"]
PARTS = {
    "province": "广东省",
    "city": "深圳市",
    "district": "南山区",
    "township": "粤海街道",
    "detail": "样本路1号3栋2-301",
}
LONDON = {"country": "GB", "province": "England", "city": "London", "detail": "221B Baker Street"}


def refusal(value: object) -> str:
    with pytest.raises(ValueRefused) as refused:
        normal_address(value)
    return refused.value.code


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["text"])
def test_one_line_is_told_apart_where_it_can_be(vector: dict[str, Any]) -> None:
    if "code" in vector:
        assert refusal(vector["text"]) == vector["code"]
        return
    parts = normal_address({"text": vector["text"]})
    found = {**parts.place.named, "detail": parts.detail, "postcode": parts.postcode or ""}
    assert found == {"country": "CN", "postcode": ""} | {k: v for k, v in vector["parts"].items() if v}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"province": "广东"},
        {"city": "深圳", "district": "南山"},
        {"country": "CN"},
        {"township": None, "detail": "粤海街道样本路1号3栋2-301"},
        {"detail": "样本路１号　3栋 2－301"},
        {"detail": "样本路1号,3栋,2—301"},
        {"postcode": "518000"},
    ],
)
def test_the_same_door_has_the_same_index(normaliser: Normaliser, change: dict[str, str | None]) -> None:
    same = normaliser.normalise(Kind.ADDRESS, PARTS | change)
    assert same.indexed == normaliser.normalise(Kind.ADDRESS, PARTS).indexed


@pytest.mark.parametrize("detail", ["样本路2号", "样本路②号", "样本路② 号", "样本路²号"])
def test_a_digit_of_another_form_is_that_digit(normaliser: Normaliser, detail: str) -> None:
    door = normaliser.normalise(Kind.ADDRESS, PARTS | {"detail": "样本路 2号"})
    assert normaliser.normalise(Kind.ADDRESS, PARTS | {"detail": detail}).indexed == door.indexed


@pytest.mark.parametrize(
    "detail", ["样本路1号3栋23-01", "样本路1号3栋2301", "样本路1号32-301", "样本路13栋2-301"]
)
def test_another_door_has_another_index(normaliser: Normaliser, detail: str) -> None:
    other = normaliser.normalise(Kind.ADDRESS, PARTS | {"detail": detail})
    assert other.indexed != normaliser.normalise(Kind.ADDRESS, PARTS).indexed


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"district": None}, "address_incomplete"),
        ({"city": ""}, "address_incomplete"),
        ({"detail": " "}, "address_incomplete"),
        ({"street": "x"}, "address_unknown_field"),
        ({"text": "x"}, "address_unknown_field"),
        ({"detail": 5}, "value_invalid_type"),
        ({"detail": "路" * 1025}, "value_too_long"),
        ({"detail": "样本路***号"}, "value_masked"),
        ({"detail": "样本路\x001号"}, "value_bad_characters"),
        ({"country": "cn"}, "address_country_invalid"),
        ({"postcode": "邮编"}, "address_postcode_invalid"),
        ({"province": "某省"}, "address_region_invalid"),
        ({"province": "Guangdong"}, "address_region_invalid"),
        ({"city": "张三"}, "address_region_invalid"),
        ({"district": "样本路"}, "address_region_invalid"),
        ({"township": "样本路1号"}, "address_region_invalid"),
        ({"township": "样本小区"}, "address_region_invalid"),
        ({"township": "13912345678街道"}, "address_region_invalid"),
        ({"township": "一三九一二三四五六七八镇"}, "address_region_invalid"),
        ({"township": "样本路三号街道"}, "address_region_invalid"),
    ],
)
def test_a_region_hides_nothing_and_nothing_is_missing(change: dict[str, object], code: str) -> None:
    assert refusal(PARTS | change) == code


@pytest.mark.parametrize("value", [None, 5, [], b"x", {"text": 5}])
def test_an_address_is_an_object_or_text(value: object) -> None:
    assert refusal(value) == "value_invalid_type"


@pytest.mark.parametrize(
    "city", ["13912345678", "London 123", "London, 5 High Street", "a" * 41, "1 2 3 4 5 a", "..."]
)
def test_a_foreign_region_is_words(city: str) -> None:
    assert refusal(LONDON | {"city": city}) == "address_region_invalid"


def test_a_foreign_address_needs_no_district(normaliser: Normaliser) -> None:
    found = normaliser.normalise(Kind.ADDRESS, LONDON | {"postcode": "NW1 6XE"})
    assert found.masked == "England, London, ****"
    assert found.region == {"country": "GB", "province": "England", "city": "London"}


def test_towns_take_the_place_of_districts_where_there_are_none() -> None:
    region = normal_address(
        {"province": "广东", "city": "东莞", "township": "长安镇", "detail": "样本路1号"}
    ).place.region
    assert dict(region)["district"] == "长安镇"


def test_a_reveal_gives_the_parts_back(normaliser: Normaliser) -> None:
    found = normaliser.normalise(Kind.ADDRESS, PARTS | {"postcode": "518000"})
    revealed = reveal_value(Kind.ADDRESS, found.value, found.region)
    assert revealed == {"country": "CN", "postcode": "518000"} | PARTS


@pytest.mark.parametrize(
    ("detail", "street"),
    [
        ("样本路1号3栋2-301", "样本路"),
        ("科技园样本大道街道口1号", "科技园样本大道"),
        ("中山路街心花园1号", "中山路"),
        ("阳光花园3栋301", ""),
        ("张三,样本路1号", ""),
        ("221B Baker Street", "Baker Street"),
        ("Flat 2, 12 High St", "High St"),
        ("John Sample High Street", ""),
    ],
)
def test_sorting_sees_the_street_and_no_door(detail: str, street: str) -> None:
    assert street_of({"city": "深圳市", "detail": detail, "postcode": "1"}) == {
        "city": "深圳市",
        "street": street,
    }
