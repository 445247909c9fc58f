"""What all values have in common: being text that a person could have written."""

from __future__ import annotations

import re
import unicodedata

# Categories that no name, phone or address has: controls, surrogates, private use, unassigned, and format
# characters, which turn or hide text.
_REFUSED = frozenset({"Cc", "Cs", "Co", "Cn", "Cf"})
# Zero-width joiners change the spelling of words in Persian and the scripts of India.
_JOINERS = frozenset("\u200c\u200d")
# Printable ASCII, CJK ideographs, CJK and full-width punctuation: nothing to refuse, and normalised already.
_PLAIN = re.compile(r"[\x20-\x7e\u00b7\u2014\u2018-\u201d\u4e00-\u9fa5]*")
_SPACES = re.compile(r"\s+")
_FOLD_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}


class ValueRefused(Exception):  # noqa: N818 - says what became of the value
    """A value that is not taken. `code` is stable, `detail` a sentence; neither repeats the value."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


def require_text(value: object, longest: int, *, lines: bool = False) -> str:
    """The value if it is text of at most `longest` characters, none of them refused. With `lines`, tabs and
    line breaks count as spaces."""
    if not isinstance(value, str):
        raise ValueRefused("value_invalid_type", "The value must be a string.")
    if len(value) > longest:
        raise ValueRefused("value_too_long", f"The value is longer than {longest} characters.")
    if _PLAIN.fullmatch(value):
        return value
    if lines:
        value = value.replace("\r", " ").replace("\n", " ").replace("\t", " ")
    if any(unicodedata.category(c) in _REFUSED and c not in _JOINERS for c in value):
        raise ValueRefused("value_bad_characters", "The value has control or other invisible characters.")
    return value


def tidy(text: str) -> str:
    """Unicode NFC, full-width ASCII folded, white space collapsed and trimmed."""
    if not _PLAIN.fullmatch(text):
        text = unicodedata.normalize("NFC", text).translate(_FOLD_WIDTH)
    if " " in text or not text.isprintable():
        text = _SPACES.sub(" ", text).strip()
    return text


def require_some(text: str) -> str:
    if not text:
        raise ValueRefused("value_empty", "The value is empty.")
    return text
