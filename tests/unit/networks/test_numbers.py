"""Ranges of numbers and check digits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vault_gateway.networks.numbers import CheckDigit, NumberRange

S10 = CheckDigit((8, 6, 4, 2, 3, 5, 9, 7), 11, complement=True, instead={10: 0, 11: 5})


def test_the_check_digit_of_upu_s10() -> None:
    # The example of the standard itself, and one for each of the two that are written otherwise.
    assert S10.of("47312482") == "9"
    assert S10.of("00000000") == "5"
    written_as_zero = next(
        f"{n:08d}"
        for n in range(100)
        if sum(S10.weights[i] * int(d) for i, d in enumerate(f"{n:08d}")) % 11 == 1
    )
    assert S10.of(written_as_zero) == "0"


@given(st.integers(0, 99_999_999), st.integers(0, 7), st.integers(1, 9))
def test_s10_notices_every_single_mistyped_digit(serial: int, at: int, by: int) -> None:
    digits = f"{serial:08d}"
    mistyped = digits[:at] + str((int(digits[at]) + by) % 10) + digits[at + 1 :]
    # But the two remainders that share a digit: 10 is written 0 only, 11 shares 5 with 5.
    if S10.of(mistyped) == S10.of(digits):
        assert S10.of(digits) == "5"


@given(st.data())
def test_a_number_of_a_range_is_read_back(data: st.DataObject) -> None:
    digits = data.draw(st.integers(4, 12))
    first = data.draw(st.integers(0, 10**digits - 1))
    last = data.draw(st.integers(first, 10**digits - 1))
    span = NumberRange("AB", digits, first, last, "CN")
    serial = data.draw(st.integers(first, last))
    assert span.serial_of(span.number(serial)) == serial
    assert span.overlaps(span)


def test_what_is_no_number_of_a_range() -> None:
    span = NumberRange("EA", 8, 10, 20, "CN", S10)
    inside = span.number(15)
    assert span.serial_of(inside) == 15
    for other in (
        inside[:-1],
        inside + "N",
        "EB" + inside[2:],
        inside[:-2] + "US",
        "EA0000001x5CN",
        "EA٠٠٠٠٠٠١٥5CN",
    ):
        assert span.serial_of(other) is None
    assert span.serial_of(NumberRange("EA", 8, 0, 99, "CN", S10).number(21)) is None


def test_ranges_overlap_whatever_of_a_number_is_its_prefix() -> None:
    assert NumberRange("YT", 4, 1000, 1999).overlaps(NumberRange("YT1", 3, 999, 999))
    assert not NumberRange("YT", 4, 1000, 1999).overlaps(NumberRange("YT2", 3, 0, 999))
    assert not NumberRange("YT", 4, 1000, 1999).overlaps(NumberRange("YT", 5, 10000, 19999))
