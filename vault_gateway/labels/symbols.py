"""Code 128 and QR as plain geometry, so that every kind of label draws the same symbol."""

from __future__ import annotations

import zxingcpp
from PIL import Image
from reportlab.graphics.barcode.code128 import Code128

# Any of the eight masks may be used (ISO/IEC 18004); to try them all takes five times as long as all else.
_MASK = 2
# From light as the encoder paints it, 255, to light as zero.
_MODULES = b"\1" + bytes(255)


def code128(text: str) -> list[int]:
    """Widths of bars and spaces in modules, a bar first, without quiet zones."""
    symbol = Code128(text)
    symbol.validate()
    symbol.encode()
    symbol.decompose()
    return [ord(letter) - ord("A") + 1 for letter in symbol.decomposed.upper()]


def qr(text: str) -> list[bytes]:
    """Rows of modules, 1 is dark, without a quiet zone. Of level M: it is read with a seventh of it gone."""
    symbol = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M", data_mask=_MASK)
    picture = Image.fromarray(symbol.to_image(add_quiet_zones=False))
    modules, side = picture.tobytes().translate(_MODULES), picture.width
    return [modules[at : at + side] for at in range(0, len(modules), side)]
