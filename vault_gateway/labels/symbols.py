"""Code 128 and QR as plain geometry, so that every kind of label draws the same symbol."""

from __future__ import annotations

import segno
from reportlab.graphics.barcode.code128 import Code128

# Any of the eight masks may be used (ISO/IEC 18004); to try them all takes six times as long as all else.
_QR_MASK = 2


def code128(text: str) -> list[int]:
    """Widths of bars and spaces in modules, a bar first, without quiet zones."""
    symbol = Code128(text)
    symbol.validate()
    symbol.encode()
    symbol.decompose()
    return [ord(letter) - ord("A") + 1 for letter in symbol.decomposed.upper()]


def qr(text: str) -> list[bytes]:
    """Rows of modules, 1 is dark, without a quiet zone."""
    return [bytes(row) for row in segno.make_qr(text, error="m", mask=_QR_MASK).matrix]
