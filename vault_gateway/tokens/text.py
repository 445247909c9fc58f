"""What all values have in common: being text that a person could have written."""

from __future__ import annotations

import re
import unicodedata

# Controls, surrogates, private use, unassigned, and format characters, which turn or hide text.
_REFUSED = frozenset({"Cc", "Cs", "Co", "Cn", "Cf"})
# Letters and symbols that draw nothing: a name of them would look empty on a label.
_INVISIBLE = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5")
# What copying from a web page or a chat leaves behind, dropped: zero-width spaces, marks of direction, soft
# hyphens.
_DEBRIS = dict.fromkeys([0x00AD, 0x061C, 0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF])
# Zero-width joiners change the spelling of words in Persian and the scripts of India; legal inside a word.
_JOINERS = frozenset("\u200c\u200d")
_LINES = dict.fromkeys(b"\t\n\r", " ")
# Nothing to refuse, fold or collapse: printable ASCII, CJK ideographs, the middle dot, single spaces inside.
_PLAIN = re.compile(r"[!-~\u00b7\u3001\u3002\u4e00-\u9fff]+(?: [!-~\u00b7\u3001\u3002\u4e00-\u9fff]+)*")
_SPACES = re.compile(r"\s+")
_FOLD_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}


class ValueRefused(Exception):
    """A value that is not taken. `code` is stable, `detail` a sentence; neither repeats the value."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


def require_text(value: object, longest: int) -> str:
    """The value if it is a string of at most `longest` characters (code points)."""
    if not isinstance(value, str):
        raise ValueRefused("value_invalid_type", "The value must be a string.")
    if len(value) > longest:
        raise ValueRefused("value_too_long", f"The value is longer than {longest} characters.")
    return value


def tidy(text: str, *, lines: bool = False) -> str:
    """Unicode NFC, full-width ASCII folded, white space collapsed and trimmed; may be empty.

    With `lines`, tabs and line breaks count as spaces. Characters that nobody writes are refused as
    `value_bad_characters`.
    """
    if _PLAIN.fullmatch(text):
        return text
    text = text.translate(_DEBRIS | _LINES if lines else _DEBRIS)
    if any(_is_refused(text, at) for at in range(len(text))):
        raise ValueRefused("value_bad_characters", "The value has control or other invisible characters.")
    return _SPACES.sub(" ", unicodedata.normalize("NFC", text).translate(_FOLD_WIDTH)).strip()


def require_some(text: str) -> str:
    """The text, unless it is empty or was masked by whoever sends it: no parcel arrives at `***`."""
    if not text:
        raise ValueRefused("value_empty", "The value is empty.")
    if "**" in text:
        raise ValueRefused("value_masked", "The value is masked already; send the original or a token.")
    return text


def _is_refused(text: str, at: int) -> bool:
    character = text[at]
    category = unicodedata.category(character)
    if category not in _REFUSED:
        return character in _INVISIBLE
    if character in _JOINERS:
        return not (0 < at < len(text) - 1 and _spells(text[at - 1]) and _spells(text[at + 1]))
    return not (category == "Cn" and _is_new_ideograph(ord(character)))


def _spells(character: str) -> bool:
    return unicodedata.category(character)[0] in "LM"


def _is_new_ideograph(code: int) -> bool:
    """Planes 2 and 3 hold nothing but CJK ideographs. Rare names use some that are newer than this Python."""
    return 0x20000 <= code <= 0x3FFFD and code & 0xFFFF < 0xFFFE
