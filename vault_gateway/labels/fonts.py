"""The font of the labels: one face with Chinese, Latin, Greek, Cyrillic, Japanese and Korean. It has no Arabic, Hebrew,
Thai and Indian scripts, and of ideographs none but the common 20,902."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont
from reportlab.pdfbase.ttfonts import TTFontFile

_NO_SIGN = "〓"
_FILE = Path(__file__).with_name("assets") / "wqy-microhei.ttf"
# The stars that hide an address, a word of letters with the spaces behind it, or one sign of a script without words.
_PIECE = re.compile(r"\*+|[^\W\u3000-\u9fff]+[,.'-]*\s*|.", re.DOTALL)


@lru_cache(maxsize=1)
def face() -> TTFontFile:
    """Read once a process: parsing takes longer than drawing a page of labels."""
    return TTFontFile(str(_FILE))


@lru_cache(maxsize=64)
def bitmap_font(pixels: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(_FILE), pixels, layout_engine=ImageFont.Layout.BASIC)


def printable(text: str) -> str:
    """What the font has no sign for stands as 〓, by which printers have long said so; what only joins or marks the
    sign before it goes. The parcel is known by its number: a box would look like a fault of the printer."""
    glyphs = face().charToGlyph
    if all(ord(sign) in glyphs for sign in text):
        return text
    signs = (sign for sign in text if ord(sign) in glyphs or unicodedata.category(sign)[0] not in "MC")
    return "".join(sign if ord(sign) in glyphs else _NO_SIGN for sign in signs)


def width_of(text: str, size: float) -> float:
    """In the unit of `size`, the height of the em."""
    return _thousandths(text) * size / 1000


@lru_cache(maxsize=4096)
def _thousandths(text: str) -> float:
    """Most of what is measured are single ideographs, and texts that stand on every label."""
    return sum([advance_of(sign) for sign in text])


@lru_cache(maxsize=4096)
def advance_of(sign: str) -> float:
    """In thousandths of the em."""
    thousandths: float = face().charWidths.get(ord(sign), face().defaultWidth)
    return thousandths


def fitting(text: str, size: float, width: float) -> float:
    """`size`, or as much less as it takes for `text` to fit into `width`."""
    needed = width_of(text, size)
    return size if needed <= width else size * width / needed


def wrapped(text: str, size: float, width: float, lines: int) -> list[str]:
    """At most so many lines, cut between words, or between ideographs; the last one ends in an ellipsis where more
    would follow."""
    made, line = [], ""
    for word in _words(text, size, width):
        if line and width_of(line + word, size) > width:
            made.append(line.rstrip())
            line = ""
        line += word
    made.append(line.rstrip())
    return made if len(made) <= lines else [*made[: lines - 1], _shortened(made[lines - 1], size, width)]


def _words(text: str, size: float, width: float) -> list[str]:
    """What stays in one piece; a word longer than a line does not."""
    words = _PIECE.findall(text)
    return [piece for word in words for piece in ([word] if width_of(word, size) <= width else word)]


def _shortened(text: str, size: float, width: float) -> str:
    while text and width_of(text + "…", size) > width:
        text = text[:-1]
    return text + "…"
