"""Types of a template's parameters: each takes what its purpose needs and has no room for a text or a phone number."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from vault_gateway.relay.texts import mask_numbers

_CODE = re.compile(r"[A-Za-z0-9]{1,8}(?:-[A-Za-z0-9]{1,8}){0,3}")
_MOST_CODE, _MOST_CODE_DIGITS = 12, 7
_PLACE_SIGNS = frozenset(" -#·()（）")
_MOST_PLACE_DIGITS = 4
# Written out they are as good as digits for a phone number.
_SPOKEN = frozenset("〇零一二三四五六七八九幺两壹贰叁肆伍陆柒捌玖")
_LONGEST_WINDOW = timedelta(days=7)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class ParameterRefused(Exception):
    """`detail` says what the type takes, never what was given."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


def _code(value: object) -> str:
    text = value if isinstance(value, str) else ""
    digits = sum(character.isdigit() for character in text)
    if not _CODE.fullmatch(text) or len(text) > _MOST_CODE or digits > _MOST_CODE_DIGITS:
        raise ParameterRefused("1 to 12 letters, digits and hyphens, at most 7 of them digits.")
    return text


def _place(value: object) -> str:
    text = unicodedata.normalize("NFKC", value).strip() if isinstance(value, str) else ""
    letters = sum(unicodedata.category(character)[0] == "L" for character in text)
    digits = sum(character in _SPOKEN or character.isdigit() for character in text)
    others = [c for c in text if unicodedata.category(c)[0] not in "LM" and not _is_digit_or_sign(c)]
    if not 2 <= len(text) <= 40 or letters < 2 or digits > _MOST_PLACE_DIGITS or others:
        raise ParameterRefused(
            "2 to 40 letters, digits, spaces and ( ) - # ·, at least 2 of them letters and at most 4 digits."
        )
    return text


def _is_digit_or_sign(character: str) -> bool:
    return character in _PLACE_SIGNS or (character.isascii() and character.isdigit())


def _window(value: object) -> dict[str, str]:
    refusal = ParameterRefused("`from` and `to`, two times with their zone, at most a week apart.")
    if not isinstance(value, dict) or value.keys() != {"from", "to"}:
        raise refusal
    try:
        begin, end = (datetime.fromisoformat(value[name]) for name in ("from", "to"))
    except (TypeError, ValueError):
        raise refusal from None
    if begin.tzinfo is None or end.tzinfo is None or not begin < end <= begin + _LONGEST_WINDOW:
        raise refusal
    return {"from": begin.isoformat(), "to": end.isoformat()}


def _minutes(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 240:
        raise ParameterRefused("1 to 240.")
    return value


# What a value is stored as.
TAKE: Mapping[str, Callable[[object], Any]] = {
    "code": _code,
    "place": _place,
    "window": _window,
    "minutes": _minutes,
}


def spoken(stored: Any, language: str) -> str:
    """A stored parameter as it is written in the message."""
    if not isinstance(stored, dict):
        return str(stored)
    begin, end = (datetime.fromisoformat(stored[name]) for name in ("from", "to"))
    joint = "至" if language == "zh" else " to "
    if begin.date() == end.date():
        return f"{_day(begin, language)}{begin:%H:%M}-{end:%H:%M}"
    return f"{_day(begin, language)}{begin:%H:%M}{joint}{_day(end, language)}{end:%H:%M}"


def _day(at: datetime, language: str) -> str:
    return f"{at.month}月{at.day}日" if language == "zh" else f"{at.day} {_MONTHS[at.month - 1]} "


def has_phone(text: str) -> bool:
    """Does it hold so many digits that it could be a phone number?"""
    return mask_numbers(text) != text
