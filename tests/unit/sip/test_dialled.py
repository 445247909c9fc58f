"""What was dialled is read as a relay number and its extension."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vault_gateway.sip.dialled import Dialled, readings

NUMBER = "+8617000000001"


@pytest.mark.parametrize(
    ("user", "parameters", "extension"),
    [
        ("+8617000000001", [], None),
        ("17000000001", [], None),
        ("008617000000001", [], None),
        ("+86-170-0000-0001", [], None),
        ("+8617000000001", ["ext=471123"], "471123"),
        ("17000000001", ["phone-context=+86", "EXT=47-11-23"], "471123"),
        ("+8617000000001471123", [], "471123"),
        ("170000000014711", [], "4711"),
        ("17000000001-7576", [], "7576"),
        ("1700000000147112345", [], "47112345"),
    ],
)
def test_numbers_and_extensions_as_they_are_dialled(
    user: str, parameters: list[str], extension: str | None
) -> None:
    assert readings(user, parameters) == [Dialled(NUMBER, extension)]


@pytest.mark.parametrize(
    "user",
    [
        "",
        "anonymous",
        "+86",
        "471123",
        "17000000001471",
        "17000000001471123456",
        "1" * 200,
        "１７０００００００１",
    ],
)
def test_what_is_no_number_is_read_as_none(user: str) -> None:
    assert readings(user) == []


@pytest.mark.parametrize("extension", ["", "12", "123456789", "47a123", "+471123"])
def test_an_extension_that_no_pool_has_is_not_read(extension: str) -> None:
    assert readings(NUMBER, [f"ext={extension}"]) == []


@given(st.integers(4, 8).flatmap(lambda digits: st.text("0123456789", min_size=digits, max_size=digits)))
def test_each_extension_behind_a_mobile_number_is_found(extension: str) -> None:
    assert readings(NUMBER + extension) == [Dialled(NUMBER, extension)]


@given(st.text(max_size=40), st.lists(st.text(max_size=20), max_size=3))
def test_any_text_is_read_without_an_error(user: str, parameters: list[str]) -> None:
    for found in readings(user, parameters):
        assert found.number.startswith("+")


def test_an_extension_stays_out_of_what_is_logged() -> None:
    assert "471123" not in repr(readings(NUMBER + "471123"))
