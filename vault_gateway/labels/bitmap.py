"""Labels as black and white dots: PNG, and ZPL that carries the picture, for printers that have no such font."""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil, floor

from PIL import Image, ImageDraw

from vault_gateway.labels.fonts import bitmap_font
from vault_gateway.labels.marks import Bars, Box, Mark, Matrix, Size, Text

_MM_AN_INCH = 25.4
# What Pillow takes for a dot that is drawn.
_INK = 255
# Of zlib: ten times as fast as what is usual, for a file that is a fifth larger and gone when it is printed.
_LEVEL = 1


@dataclass(frozen=True, slots=True)
class Picture:
    """A number for each row of dots, the right one its lowest bit, 1 is black: a row is drawn in one step."""

    width: int
    rows: list[int]

    def draw(self, x: int, y: int, stamp: Picture, *, white: bool = False) -> None:
        """The black dots of `stamp`, its upper left corner at x, y. What is beyond an edge is left out."""
        left, full = self.width - stamp.width - x, (1 << self.width) - 1
        rows = stamp.rows[max(0, -y) : max(0, len(self.rows) - y)]
        if left < 0 or x < 0:
            rows = [(row << left if left >= 0 else row >> -left) & full for row in rows]
            left = 0
        place = slice(max(0, y), max(0, y) + len(rows))
        under = self.rows[place]
        if white:
            self.rows[place] = [old & ~(row << left) for old, row in zip(under, rows, strict=True)]
        else:
            self.rows[place] = [old | row << left for old, row in zip(under, rows, strict=True)]

    def packed(self, *, inverted: bool) -> Iterator[bytes]:
        """Each row as bytes, the left dot first. `inverted`: 0 is black."""
        length = (self.width + 7) // 8
        unused = 8 * length - self.width
        flip = (1 << self.width) - 1 if inverted else 0
        return (((row ^ flip) << unused).to_bytes(length, "big") for row in self.rows)


@dataclass(frozen=True, slots=True)
class Written:
    """A line or a sign of it, and where its upper left corner stands to its origin on the base line."""

    dots: Picture
    left: int
    top: int


def picture_of(marks: Sequence[Mark], size: Size, dpi: int) -> Picture:
    dots = dpi / _MM_AN_INCH
    picture = Picture(round(size.width * dots), [0] * round(size.height * dots))
    for mark in marks:
        _draw(picture, mark, dots)
    return picture


def png_of(picture: Picture, dpi: int) -> bytes:
    """Written as the standard says (ISO/IEC 15948), each row as it is: filters gain nothing on single dots."""
    rows = b"".join(b"\0" + row for row in picture.packed(inverted=True))
    head = struct.pack(">IIBBBBB", picture.width, len(picture.rows), 1, 0, 0, 0, 0)
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


def zpl_of(picture: Picture) -> str:
    """One graphic field (^GFA) in Zebra's Z64: zlib, base64, and the CRC-16 of the text."""
    bits = b"".join(picture.packed(inverted=False))
    row = (picture.width + 7) // 8
    text = base64.b64encode(zlib.compress(bits, _LEVEL))
    data = f":Z64:{text.decode()}:{binascii.crc_hqx(text, 0):04X}"
    field = f"^FO0,0^GFA,{len(bits)},{len(bits)},{row},{data}^FS"
    return f"^XA^PW{picture.width}^LL{len(picture.rows)}^LH0,0{field}^XZ\n"


def _draw(picture: Picture, mark: Mark, dots: float) -> None:
    match mark:
        case Text():
            line = _line(mark.text, round(mark.size * dots), bold=mark.bold)
            x, y = round(mark.x * dots) + line.left, round(mark.y * dots) + line.top
            picture.draw(x, y, line.dots, white=mark.white)
        case Box():
            across, down = max(1, round(mark.width * dots)), max(1, round(mark.height * dots))
            box = Picture(across, [(1 << across) - 1] * down)
            picture.draw(round(mark.x * dots), round(mark.y * dots), box)
        case Bars():
            _draw_bars(picture, mark, dots)
        case Matrix():
            _draw_matrix(picture, mark, dots)


@lru_cache(maxsize=1024)
def _line(text: str, pixels: int, *, bold: bool) -> Written:
    """Half of what labels say is the same on all of them."""
    signs, end = [], 0
    for sign in text:
        written, advance = _sign(sign, pixels, bold=bold)
        signs.append(replace(written, left=end + written.left))
        end += advance
    left, top = min((one.left for one in signs), default=0), min((one.top for one in signs), default=0)
    right = max((one.left + one.dots.width for one in signs), default=0)
    bottom = max((one.top + len(one.dots.rows) for one in signs), default=0)
    line = Picture(right - left, [0] * (bottom - top))
    for one in signs:
        line.draw(one.left - left, one.top - top, one.dots)
    return Written(line, left, top)


@lru_cache(maxsize=4096)
def _sign(sign: str, pixels: int, *, bold: bool) -> tuple[Written, int]:
    """And how far it is to the next. Nothing takes as long as letters, and the same ones come again."""
    font, stroke = bitmap_font(pixels), round(pixels * 0.02) if bold else 0
    left, top, right, bottom = font.getbbox(sign, "1", anchor="ls", stroke_width=stroke)
    image = Image.new("1", (max(1, ceil(right - left)), max(1, ceil(bottom - top))))
    draw = ImageDraw.Draw(image)
    # No grey: a thermal printer would scatter it into dots.
    draw.fontmode = "1"
    draw.text((-left, -top), sign, fill=_INK, font=font, anchor="ls", stroke_width=stroke)
    return Written(_picture_in(image), floor(left), floor(top)), round(font.getlength(sign, "1"))


def _picture_in(image: Image.Image) -> Picture:
    bits, row = image.tobytes(), (image.width + 7) // 8
    unused = 8 * row - image.width
    rows = [int.from_bytes(bits[at : at + row], "big") >> unused for at in range(0, len(bits), row)]
    return Picture(image.width, rows)


def _draw_bars(picture: Picture, mark: Bars, dots: float) -> None:
    """A module is a whole number of dots: bars of unequal dots are what scanners fail on."""
    total = sum(mark.modules)
    module = max(1, int(mark.width * dots / total))
    x = round((mark.x + mark.width / 2) * dots) - module * total // 2
    top, bottom = round(mark.y * dots), round((mark.y + mark.height) * dots)
    row = 0
    for at, modules in enumerate(mark.modules):
        width = modules * module
        row = row << width | ((1 << width) - 1 if at % 2 == 0 else 0)
    picture.draw(x, top, Picture(module * total, [row] * (bottom - top)))


def _draw_matrix(picture: Picture, mark: Matrix, dots: float) -> None:
    count = len(mark.rows)
    module = max(1, int(mark.side * dots / count))
    dark, light = b"1" * module, b"0" * module
    rows = [int(row.replace(b"\0", light).replace(b"\1", dark), 2) for row in mark.rows]
    scaled = Picture(count * module, [row for row in rows for _ in range(module)])
    picture.draw(round(mark.x * dots), round(mark.y * dots), scaled)
