"""Labels as black and white dots: PNG, and ZPL that carries the picture, for printers that have no such font."""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil, floor
from operator import attrgetter

from isal import isal_zlib
from PIL import Image, ImageDraw

from vault_gateway.labels.fonts import bitmap_font
from vault_gateway.labels.marks import Bars, Box, Mark, Matrix, Size, Text

_MM_AN_INCH = 25.4
# What Pillow takes for a dot that is drawn.
_INK = 255


@dataclass(frozen=True, slots=True)
class Stamp:
    """Black dots to be drawn: one number for all rows, each as long as a picture's, the stamp at its left."""

    bits: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class _Drawn:
    order: int
    x: int
    y: int
    stamp: Stamp
    white: bool

    @property
    def bottom(self) -> int:
        return self.y + self.stamp.height


class Picture:
    """Black dots on white paper. A stamp is drawn by one shift, however many dots it has."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        # In bytes. One that stands before each row is always zero: PNG has it so.
        self.row = row_of(width)
        self._drawn: list[_Drawn] = []

    def draw(self, x: int, y: int, stamp: Stamp, *, white: bool = False) -> None:
        """The dots of `stamp`, its upper left corner at x, y. What is beyond the right edge is cut off; what leaves the
        paper elsewhere is left out."""
        if min(x, y) < 0 or x >= self.width or y + stamp.height > self.height:
            return
        if x + stamp.width > self.width:
            stamp = replace(stamp, bits=stamp.bits & _box(self.width - x, stamp.height, self.row).bits)
        self._drawn.append(_Drawn(len(self._drawn), x, y, stamp, white))

    def dots(self, *, inverted: bool = False) -> bytearray:
        """Rows behind one another, a bit a dot, 1 is black, or white if `inverted`."""
        paper = b"\0" + (b"\xff" if inverted else b"\0") * (self.row - 1)
        dots = bytearray(paper * self.height)
        for band in self._bands():
            top, bottom = band[0].y, max(one.bottom for one in band)
            bits = 0
            # In the order in which they were drawn: white is seen on what was there.
            for one in sorted(band, key=attrgetter("order")):
                over = _shifted(one.stamp.bits, 8 * self.row * (bottom - one.bottom) - one.x)
                bits = bits & ~over if one.white else bits | over
            bits ^= _sheet(paper, bottom - top)
            dots[top * self.row : bottom * self.row] = bits.to_bytes((bottom - top) * self.row, "big")
        return dots

    def _bands(self) -> list[list[_Drawn]]:
        """What shares rows: short numbers are made faster than long ones."""
        bands: list[list[_Drawn]] = []
        bottom = 0
        for one in sorted(self._drawn, key=attrgetter("y")):
            if not bands or one.y >= bottom:
                bands.append([])
            bands[-1].append(one)
            bottom = max(bottom, one.bottom)
        return bands


@lru_cache(maxsize=64)
def _sheet(paper: bytes, rows: int) -> int:
    return int.from_bytes(paper * rows, "big")


def _shifted(bits: int, left: int) -> int:
    return bits << left if left >= 0 else bits >> -left


def row_of(width: int) -> int:
    return 1 + (width + 7) // 8


def stamp_of(rows: Sequence[bytes], width: int, row: int) -> Stamp:
    """Of rows from the left, each of the same number of bytes."""
    gap = bytes(row - len(rows[0]))
    return Stamp(int.from_bytes(b"\0" + gap.join(rows) + gap[1:], "big"), width, len(rows))


@dataclass(frozen=True, slots=True)
class Written:
    """A line or a sign of it, where its upper left corner stands to its origin on the base line, and how far it is
    from there to the next."""

    stamp: Stamp
    left: int
    top: int
    advance: int


def picture_of(marks: Sequence[Mark], size: Size, dpi: int) -> Picture:
    dots = dpi / _MM_AN_INCH
    picture = Picture(round(size.width * dots), round(size.height * dots))
    for mark in marks:
        _draw(picture, mark, dots)
    return picture


def png_of(picture: Picture, dpi: int) -> bytes:
    """Written as the standard says (ISO/IEC 15948), each row as it is: filters gain nothing on single dots."""
    # The byte before each row says that there is no filter. ISA-L packs eight times as fast as zlib, and closer.
    rows = isal_zlib.compress(picture.dots(inverted=True))
    head = struct.pack(">IIBBBBB", picture.width, picture.height, 1, 0, 0, 0, 0)
    metre = round(dpi / _MM_AN_INCH * 1000)
    chunks = (
        (b"IHDR", head),
        (b"pHYs", struct.pack(">IIB", metre, metre, 1)),
        (b"IDAT", rows),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", binascii.crc32(kind + content))
    )


def zpl_of(picture: Picture) -> str:
    """One graphic field (^GFA) in Zebra's Z64: zlib, base64, and the CRC-16 of the text."""
    bits, row = picture.dots(), picture.row - 1
    del bits[:: picture.row]
    text = base64.b64encode(isal_zlib.compress(bits))
    data = f":Z64:{text.decode()}:{binascii.crc_hqx(text, 0):04X}"
    field = f"^FO0,0^GFA,{len(bits)},{len(bits)},{row},{data}^FS"
    return f"^XA^PW{picture.width}^LL{picture.height}^LH0,0{field}^XZ\n"


def _draw(picture: Picture, mark: Mark, dots: float) -> None:
    match mark:
        case Text():
            line = _line(mark.text, round(mark.size * dots), picture.row, bold=mark.bold)
            x, y = round(mark.x * dots) + line.left, round(mark.y * dots) + line.top
            picture.draw(x, y, line.stamp, white=mark.white)
        case Box():
            across, down = max(1, round(mark.width * dots)), max(1, round(mark.height * dots))
            picture.draw(round(mark.x * dots), round(mark.y * dots), _box(across, down, picture.row))
        case Bars():
            _draw_bars(picture, mark, dots)
        case Matrix():
            _draw_matrix(picture, mark, dots)


@lru_cache(maxsize=256)
def _line(text: str, pixels: int, row: int, *, bold: bool) -> Written:
    """Half of what labels say is the same on all of them."""
    placed, end = [], 0
    for sign in text:
        written = _sign(sign, pixels, row, bold=bold)
        placed.append((end + written.left, written.top, written.stamp))
        end += written.advance
    left, top = min((x for x, _, _ in placed), default=0), min((y for _, y, _ in placed), default=0)
    # A row of the line is no longer than the paper's: what would run into the next one is left out.
    placed = [one for one in placed if one[0] - left + one[2].width <= 8 * (row - 1)]
    right = max((x + stamp.width for x, _, stamp in placed), default=0)
    bottom = max((y + stamp.height for _, y, stamp in placed), default=0)
    bits = 0
    for x, y, stamp in placed:
        bits |= _shifted(stamp.bits, 8 * row * (bottom - y - stamp.height) - (x - left))
    return Written(Stamp(bits, right - left, bottom - top), left, top, end)


@lru_cache(maxsize=2048)
def _sign(sign: str, pixels: int, row: int, *, bold: bool) -> Written:
    """Nothing takes as long as letters, and the same ones come again."""
    font, stroke = bitmap_font(pixels), round(pixels * 0.02) if bold else 0
    left, top, right, bottom = font.getbbox(sign, "1", anchor="ls", stroke_width=stroke)
    image = Image.new("1", (max(1, ceil(right - left)), max(1, ceil(bottom - top))))
    draw = ImageDraw.Draw(image)
    # No grey: a thermal printer would scatter it into dots.
    draw.fontmode = "1"
    draw.text((-left, -top), sign, fill=_INK, font=font, anchor="ls", stroke_width=stroke)
    bits, across = image.tobytes(), (image.width + 7) // 8
    rows = [bits[at : at + across] for at in range(0, len(bits), across)]
    stamp = stamp_of(rows, image.width, row)
    return Written(stamp, floor(left), floor(top), round(font.getlength(sign, "1")))


@lru_cache(maxsize=256)
def _box(width: int, height: int, row: int) -> Stamp:
    return stamp_of([_left((1 << width) - 1, width)] * height, width, row)


def _left(dots: int, width: int) -> bytes:
    """A row of so many dots, in whole bytes from the left."""
    length = (width + 7) // 8
    return (dots << 8 * length - width).to_bytes(length, "big")


def _draw_bars(picture: Picture, mark: Bars, dots: float) -> None:
    """A module is a whole number of dots: bars of unequal dots are what scanners fail on."""
    total = sum(mark.modules)
    module = max(1, int(mark.width * dots / total))
    x = round((mark.x + mark.width / 2) * dots) - module * total // 2
    top, bottom = round(mark.y * dots), round((mark.y + mark.height) * dots)
    bars = 0
    for at, modules in enumerate(mark.modules):
        width = modules * module
        bars = bars << width | ((1 << width) - 1 if at % 2 == 0 else 0)
    width = module * total
    picture.draw(x, top, stamp_of([_left(bars, width)] * (bottom - top), width, picture.row))


def _draw_matrix(picture: Picture, mark: Matrix, dots: float) -> None:
    count = len(mark.rows)
    module = max(1, int(mark.side * dots / count))
    dark, light = b"1" * module, b"0" * module
    width = count * module
    rows = [_left(int(row.replace(b"\0", light).replace(b"\1", dark), 2), width) for row in mark.rows]
    stamp = stamp_of([row for row in rows for _ in range(module)], width, picture.row)
    picture.draw(round(mark.x * dots), round(mark.y * dots), stamp)
