"""Whatever comes in: a canonical value or a refusal, and never the value in the refusal."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from vault_gateway.inforce import always
from vault_gateway.model import Kind
from vault_gateway.tokens.masks import MaskingProfile
from vault_gateway.tokens.names import normal_name
from vault_gateway.tokens.normalise import Normalised, Normaliser, reveal_value
from vault_gateway.tokens.phones import e164, parse_in_full
from vault_gateway.tokens.regions import CITIES
from vault_gateway.tokens.text import ValueRefused

normaliser = Normaliser(always(MaskingProfile.load(Path("policies/masking.yaml"))))

_WAYS = ("{}", "+86{}", "86{}", "0086{}", "+86 {}", "86-{}", "{}-1", "{} 12", "({})", "1{}")
digits = st.one_of(
    st.from_regex(r"1[0-9]{10}", fullmatch=True),
    st.from_regex(r"1[0-9]{2}[ -][0-9]{4}[ -]?[0-9]{4}", fullmatch=True),
    st.from_regex(r"[0-9]{5,13}", fullmatch=True),
)
written = st.builds(str.format, st.sampled_from(_WAYS), digits)
mobiles = st.from_regex(r"13[0-9]{9}", fullmatch=True)
anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.binary()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=5,
)
fields = st.sampled_from(
    ["country", "province", "city", "district", "township", "detail", "postcode", "text"]
)
places = st.sampled_from(
    [
        (province, city.name, district)
        for province, cities in CITIES.items()
        for city in cities.values()
        for district in city.full_districts
    ]
)


def outcome(reader: Any, *arguments: object) -> str:
    try:
        return str(reader(*arguments))
    except ValueRefused as refusal:
        return refusal.code


@settings(max_examples=1000)
@given(text=written)
def test_the_short_way_is_the_long_way(text: str) -> None:
    assert outcome(e164, text, "CN") == outcome(parse_in_full, text, "CN")


@given(mobile=mobiles, way=st.sampled_from(_WAYS[:6]), wide=st.booleans())
def test_a_phone_is_one_however_it_is_written(mobile: str, way: str, wide: bool) -> None:
    text = way.format(mobile)
    if wide:
        text = "".join(chr(ord(character) + 0xFEE0) if character != " " else "\u3000" for character in text)
    assert e164(text) == "+86" + mobile


@given(value=anything, kind=st.sampled_from(Kind), region=st.sampled_from(["CN", "US", "ZZ"]))
def test_any_value_is_taken_or_refused(value: object, kind: Kind, region: str) -> None:
    assert_taken_or_refused(kind, value, region)


@given(
    address=st.dictionaries(
        fields, st.one_of(st.none(), st.text(), st.sampled_from(["北京", "朝阳区", "GB"]))
    )
)
def test_any_address_is_taken_or_refused(address: dict[str, str | None]) -> None:
    assert_taken_or_refused(Kind.ADDRESS, address, "CN")


def assert_taken_or_refused(kind: Kind, value: object, region: str) -> None:
    found = taken_or_refused(kind, value, region)
    if isinstance(found, ValueRefused):
        assert found.__context__ is None or found.__suppress_context__
        assert found.code.islower()
        return
    again = reveal_value(kind, found.value, found.region)
    assert normaliser.normalise(kind, again, region) == found


def taken_or_refused(kind: Kind, value: object, region: str) -> Normalised | ValueRefused:
    try:
        return normaliser.normalise(kind, value, region)
    except ValueRefused as refusal:
        return refusal


@given(name=st.text(max_size=140))
def test_a_name_is_canonical_at_once(name: str) -> None:
    try:
        once = normal_name(name)
    except ValueRefused:
        return
    assert normal_name(once) == once
    assert unicodedata.is_normalized("NFC", once)


@given(place=places, number=st.integers(1, 999), spaced=st.booleans())
def test_one_line_and_parts_are_the_same_address(
    place: tuple[str, str, str], number: int, spaced: bool
) -> None:
    province, city, district = place
    detail = f"样本路{number}号"
    levels = list(dict.fromkeys([province, city, district]))
    parts = {"province": province, "city": city, "district": district, "detail": detail}
    structured = normaliser.normalise(Kind.ADDRESS, parts)
    line = normaliser.normalise(Kind.ADDRESS, (" " if spaced else "").join([*levels, detail]))
    assert (line.indexed, line.region) == (structured.indexed, structured.region)


@given(township=st.text(max_size=40))
def test_no_number_of_five_digits_is_shown(township: str) -> None:
    place = {
        "country": "GB",
        "province": "England",
        "city": "London",
        "township": township,
        "detail": "1 High St",
    }
    try:
        found = normaliser.normalise(Kind.ADDRESS, place)
    except ValueRefused:
        return
    assert sum(character.isdigit() for character in found.masked) < 5
