"""The demo's orders: 190 that are well and ten that are broken, each in its own way."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

import vault_gateway.demo
from vault_gateway.model import Kind
from vault_gateway.tokens.normalise import Normaliser
from vault_gateway.tokens.text import ValueRefused

Index = tuple[bytes, ...]
_LEVELS = ("province", "city", "district", "township", "detail")

BROKEN = {
    "DEMO-0007": "phone_extension",
    "DEMO-0024": "phone_invalid",
    "DEMO-0048": "value_empty",
    "DEMO-0072": "value_bad_characters",
    "DEMO-0097": "address_unparsed",
    "DEMO-0119": "address_incomplete",
    "DEMO-0140": "value_too_long",
    "DEMO-0158": "phone_extension",
    "DEMO-0175": "value_masked",
    "DEMO-0194": "address_region_invalid",
}


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    path = Path(vault_gateway.demo.__file__).with_name("orders.csv")
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def recipient(normaliser: Normaliser, row: dict[str, str]) -> Index:
    address = row["address_text"] or {level: row[level] for level in _LEVELS if row[level]}
    values: list[tuple[Kind, object]] = [
        (Kind.NAME, row["name"]),
        (Kind.PHONE, row["phone"]),
        (Kind.ADDRESS, address),
    ]
    return tuple(normaliser.normalise(kind, value).indexed for kind, value in values)


@pytest.fixture(scope="module")
def outcome(normaliser: Normaliser, rows: list[dict[str, str]]) -> tuple[list[Index], dict[str, str]]:
    good, broken = [], {}
    for row in rows:
        try:
            good.append(recipient(normaliser, row))
        except ValueRefused as refusal:
            broken[row["order"]] = refusal.code
    return good, broken


def test_ten_of_two_hundred_are_broken(outcome: tuple[list[Index], dict[str, str]]) -> None:
    good, broken = outcome
    assert broken == BROKEN
    assert len(good) == 190


def test_some_buyers_come_twice_in_other_words(outcome: tuple[list[Index], dict[str, str]]) -> None:
    assert sum(count > 1 for count in Counter(outcome[0]).values()) == 10
