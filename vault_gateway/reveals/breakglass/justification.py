"""The reason of a break-glass: a person's words, kept in the access log for good. They hold no number of anybody."""

from __future__ import annotations

import unicodedata

from marshmallow import ValidationError

SHORTEST, LONGEST = 10, 200
# A phone has more, however it is written and whatever stands between its digits; a ticket's number need not.
MOST_DIGITS = 6
# They read as digits do: 一三八零零... is a phone too.
_NUMERALS = frozenset("〇零一二三四五六七八九壹贰叁肆伍陆柒捌玖幺两")
_PUNCTUATION = frozenset(" .,;:!?()'\"/-#&%，。；：！？（）、")


def check_reason(text: str) -> None:
    """ValidationError, which never repeats the text, for anything but 10 to 200 letters, digits, spaces and plain
    punctuation, or for more than six digits in all."""
    if len(text.strip()) < SHORTEST or len(text) > LONGEST:
        raise ValidationError(f"{SHORTEST} to {LONGEST} characters.")
    if not all(
        character in _PUNCTUATION or unicodedata.category(character)[0] in "LMN" for character in text
    ):
        raise ValidationError("Letters, digits, spaces and plain punctuation.")
    if sum(character.isdigit() or character in _NUMERALS for character in _plain(text)) > MOST_DIGITS:
        raise ValidationError(f"No more than {MOST_DIGITS} digits in all: a reason names nobody.")


def _plain(text: str) -> str:
    """Full-width and circled digits as the ordinary ones."""
    return unicodedata.normalize("NFKC", text)
