"""Numbers do not travel in a message, however they are written; what else it says does."""

from __future__ import annotations

import pytest

from vault_gateway.relay.texts import mask_numbers

DIGITS = "19901234567"


@pytest.mark.parametrize(
    "written",
    [
        DIGITS,
        "199 0123 4567",
        "199____0123----4567",
        "199@0123#4567",
        "１９９０１２３４５６７",
        "١٩٩٠١٢٣٤٥٦٧",
        "一九九零幺二三四五六七",
        "壹玖玖零壹贰叁肆伍陆柒",
        "①⑨⑨⓪①②③④⑤⑥⑦",
        "¹⁹⁹⁰¹²³⁴⁵⁶⁷",
        "𝟏𝟗𝟗𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕",
        "".join(f"{digit}\ufe0f\u20e3" for digit in DIGITS),
        " ".join(f"{digit}\ufe0f\u20e3" for digit in DIGITS),
        "\u200b".join(DIGITS),
        "\u2060\u200d".join(DIGITS),
        "1 9 ９ 零 ① ² 3 4 五 6 7",
    ],
)
def test_a_number_in_any_dress_is_masked(written: str) -> None:
    masked = mask_numbers(f"call {written} please")
    # The last key's cap stays.
    assert masked.replace("\ufe0f\u20e3", "") == "call ******* please"


@pytest.mark.parametrize(
    "text", ["at 10:30, 3 parcels", "三件，三楼", "door 1204", "", "½ ¾ 一百二十", "a1b2c3d4e5f6g7h8"]
)
def test_what_is_no_phone_stays(text: str) -> None:
    assert mask_numbers(text) == text


def test_two_numbers_are_two() -> None:
    assert mask_numbers(f"{DIGITS} or {DIGITS}") == "******* or *******"
