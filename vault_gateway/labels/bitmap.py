"""Labels as black and white dots: PNG, and ZPL that carries the picture, for printers that have no such font."""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from collections.abc import Sequence
from functools import lru_cache
from math import ceil, floor

from PIL import Image, ImageDraw

from vault_gateway.labels.fonts import bitmap_font
from vault_gateway.labels.marks import Bars, Box, Mark, Matrix, Size, Text

_MM_AN_INCH = 25.4
_WHITE, _BLACK = 255, 0
# Of zlib: ten times as fast as what is usual, for a file that is a fifth larger and gone when it is printed.
_LEVEL = 1


def picture_of(marks: Sequence[Mark], size: Size, dpi: int) -> Image.Image:
    dots = dpi / _MM_AN_INCH
    picture = Image.new("1", (round(size.width * dots), round(size.height * dots)), _WHITE)
    draw = ImageDraw.Draw(picture)
    for mark in marks:
        _draw(draw, mark, dots)
    return picture


def png_of(picture: Image.Image, dpi: int) -> bytes:
    """Written as the standard says (ISO/IEC 15948), each row as it is: Pillow would try five filters on each, which
    takes longer than all else of a label and gains nothing on single dots."""
    bits, row = picture.tobytes(), (picture.width + 7) // 8
    rows = b"".join(b"\0" + bits[at : at + row] for at in range(0, len(bits), row))
    head = struct.pack(">IIBBBBB", picture.width, picture.height, 1, 0, 0, 0, 0)
    metre = round(dpi / _MM_AN_INCH * 1000)
    chunks = (
        (b"IHDR", head),
        (b"pHYs", struct.pack(">IIB", metre, metre, 1)),
        (b"IDAT", zlib.compress(rows, _LEVEL)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def zpl_of(picture: Image.Image) -> str:
    """One graphic field (^GFA) in Zebra's Z64: zlib, base64, and the CRC-16 of the text."""
    bits = picture.tobytes("raw", "1;I")
    row = (picture.width + 7) // 8
    text = base64.b64encode(zlib.compress(bits, _LEVEL))
    data = f":Z64:{text.decode()}:{binascii.crc_hqx(text, 0):04X}"
    field = f"^FO0,0^GFA,{len(bits)},{len(bits)},{row},{data}^FS"
    return f"^XA^PW{picture.width}^LL{picture.height}^LH0,0{field}^XZ\n"


def _draw(draw: ImageDraw.ImageDraw, mark: Mark, dots: float) -> None:
    match mark:
        case Text():
            _draw_text(draw, mark, dots)
        case Box():
            x, y = round(mark.x * dots), round(mark.y * dots)
            across, down = max(1, round(mark.width * dots)), max(1, round(mark.height * dots))
            draw.rectangle((x, y, x + across - 1, y + down - 1), fill=_BLACK)
        case Bars():
            _draw_bars(draw, mark, dots)
        case Matrix():
            _draw_matrix(draw, mark, dots)


def _draw_text(draw: ImageDraw.ImageDraw, mark: Text, dots: float) -> None:
    written, left, top = _written(mark.text, round(mark.size * dots), bold=mark.bold)
    at = round(mark.x * dots) + left, round(mark.y * dots) + top
    draw.bitmap(at, written, fill=_WHITE if mark.white else _BLACK)


@lru_cache(maxsize=1024)
def _written(text: str, pixels: int, *, bold: bool) -> tuple[Image.Image, int, int]:
    """A line as a stencil, and where that stands to the line's origin. Half of what labels say is the same on all
    of them, and nothing takes as long as letters."""
    font, stroke = bitmap_font(pixels), round(pixels * 0.02) if bold else 0
    left, top, right, bottom = font.getbbox(text, "1", anchor="ls", stroke_width=stroke)
    stencil = Image.new("1", (max(1, ceil(right - left)), max(1, ceil(bottom - top))))
    draw = ImageDraw.Draw(stencil)
    # No grey: a thermal printer would scatter it into dots.
    draw.fontmode = "1"
    draw.text((-left, -top), text, fill=_WHITE, font=font, anchor="ls", stroke_width=stroke)
    return stencil, floor(left), floor(top)


def _draw_bars(draw: ImageDraw.ImageDraw, mark: Bars, dots: float) -> None:
    """A module is a whole number of dots: bars of unequal dots are what scanners fail on."""
    total = sum(mark.modules)
    module = max(1, int(mark.width * dots / total))
    x = round((mark.x + mark.width / 2) * dots) - module * total // 2
    top, bottom = round(mark.y * dots), round((mark.y + mark.height) * dots) - 1
    for at, modules in enumerate(mark.modules):
        if at % 2 == 0:
            draw.rectangle((x, top, x + modules * module - 1, bottom), fill=_BLACK)
        x += modules * module


def _draw_matrix(draw: ImageDraw.ImageDraw, mark: Matrix, dots: float) -> None:
    count = len(mark.rows)
    module = max(1, int(mark.side * dots / count))
    modules = Image.frombytes("L", (count, count), b"".join(mark.rows).replace(b"\1", b"\xff"))
    dots_of_one = modules.convert("1", dither=Image.Dither.NONE)
    scaled = dots_of_one.resize((count * module, count * module), Image.Resampling.NEAREST)
    draw.bitmap((round(mark.x * dots), round(mark.y * dots)), scaled, fill=_BLACK)
