"""The text of a message: the extension that it begins with, and phone numbers in it, masked on the way, or the two
would just write them to each other."""

from __future__ import annotations

import re
import unicodedata

# Seven digits and more, however they are set apart; in any script, raised, circled, as keycaps, in Chinese numerals.
_LEAST_DIGITS = 7
_LONGEST = 1600
# Numerals that Unicode does not count as such.
_SPOKEN = "幺两"
_ONE_DIGIT = frozenset(range(10))
# In the text's shadow, where every digit is a 0.
_NUMBER = re.compile(rf"0(?:[\W_]{{0,4}}0){{{_LEAST_DIGITS - 1},}}")


def mask_numbers(text: str) -> str:
    """The text with every run of seven digits or more as `*******`; the words around stay. Digits spelled out in
    letters are words."""
    kept = "".join(character for character in text[:_LONGEST] if unicodedata.category(character) != "Cf")
    shadow = "".join("0" if _is_digit(character) else character for character in kept)
    masked, end = "", 0
    for number in _NUMBER.finditer(shadow):
        masked += f"{kept[end : number.start()]}*******"
        end = number.end()
    return masked + kept[end:]


def _is_digit(character: str) -> bool:
    return character in _SPOKEN or unicodedata.numeric(character, None) in _ONE_DIGIT


def extension_in(text: str | None, digits: int) -> str | None:
    """The extension that a message begins with: `471123 I am at the door`."""
    found = _leading(digits).match(text) if text is not None and digits else None
    return None if found is None else found[1]


def without_extension(text: str, extension: str | None) -> str:
    """Digits that were not dialled belong to what is said."""
    found = _leading(len(extension)).match(text) if extension else None
    return text if found is None or found[1] != extension else text[found.end() :]


def _leading(digits: int) -> re.Pattern[str]:
    return re.compile(rf"\s*#?([0-9]{{{digits}}})(?:[\s:,;#]+|\Z)")
