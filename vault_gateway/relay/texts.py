"""Phone numbers in the text of a message: masked on the way, or the two would just write them to each other."""

from __future__ import annotations

import re
import unicodedata

# Seven digits and more, however they are set apart, in any script's digits and in Chinese numerals.
_LEAST_DIGITS = 7
_LONGEST = 1600
_SPOKEN = "〇零一二三四五六七八九幺两壹贰叁肆伍陆柒捌玖"
_DIGIT = rf"[\d{_SPOKEN}①-⑨]"
_BETWEEN = r"[\s.,，。、·_*~()（）\-—–+:：/|]{0,3}"
_NUMBER = re.compile(rf"{_DIGIT}(?:{_BETWEEN}{_DIGIT}){{{_LEAST_DIGITS - 1},}}")


def mask_numbers(text: str) -> str:
    """The text with every run of seven digits or more as `*******`; the words around stay."""
    kept = "".join(character for character in text[:_LONGEST] if unicodedata.category(character) != "Cf")
    return _NUMBER.sub("*******", kept)
