"""Phones as people write them, from the vectors in `tests/vectors/phones.json`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vault_gateway.tokens.phones import e164, phone_value, split_country, split_extension
from vault_gateway.tokens.text import ValueRefused

VECTORS = json.loads(Path("tests/vectors/phones.json").read_text())["phones"]
GOOD = [v for v in VECTORS if "e164" in v]
VIRTUAL = [v for v in VECTORS if "virtual" in v]
BAD = [v for v in VECTORS if "code" in v]


@pytest.mark.parametrize("vector", GOOD, ids=lambda v: ascii(v["written"]))
def test_every_usual_way_to_write_a_phone_is_read(vector: dict[str, str]) -> None:
    assert e164(vector["written"], vector["region"]) == vector["e164"]
    assert phone_value(vector["written"], vector["region"]) == vector["e164"]


@pytest.mark.parametrize("vector", VIRTUAL, ids=lambda v: ascii(v["written"]))
def test_a_virtual_number_is_kept_with_its_extension_and_is_nobodys_own_phone(vector: dict[str, str]) -> None:
    assert phone_value(vector["written"]) == vector["virtual"]
    with pytest.raises(ValueRefused, match=r"phone_extension|phone_invalid"):
        e164(vector["written"])
    with pytest.raises(ValueRefused):
        phone_value(vector["written"], "US")


def test_a_virtual_number_falls_into_what_is_dialled_first_and_then() -> None:
    assert split_extension("+8618400913965;ext=7576") == ("+8618400913965", "7576")
    assert split_extension("+8613912345678") == ("+8613912345678", None)


@pytest.mark.parametrize("vector", BAD, ids=lambda v: ascii(v["written"]))
def test_what_is_no_single_phone_is_refused(vector: dict[str, str]) -> None:
    with pytest.raises(ValueRefused) as refused:
        phone_value(vector["written"], vector["region"])
    assert refused.value.code == vector["code"]


@pytest.mark.parametrize("value", [None, 13912345678, b"13912345678", ["13912345678"], True])
def test_a_phone_is_a_string(value: object) -> None:
    with pytest.raises(ValueRefused) as refused:
        e164(value)
    assert refused.value.code == "value_invalid_type"


def test_a_refusal_does_not_hold_the_value() -> None:
    with pytest.raises(ValueRefused) as refused:
        e164("+86 139 1234 567")
    error = refused.value
    assert "139" not in f"{error}{error.detail}{error.args}"
    assert error.__context__ is None or error.__suppress_context__


def test_a_number_falls_into_calling_code_and_national_number() -> None:
    assert split_country("+8613912345678") == ("86", "13912345678")
    assert split_country("+390612345678") == ("39", "0612345678")
