"""The font with those glyphs only that a file shows, in the format of OpenType 1.9 with TrueType outlines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import accumulate
from struct import pack, pack_into, unpack, unpack_from

from vault_gateway.labels.fonts import face

# Of a component of a glyph: its flags, and the bytes that each says to follow the number of the other glyph.
_ARGUMENTS_ARE_WORDS = 0x0001
_MORE = 0x0020
_SCALES = ((0x0008, 2), (0x0040, 4), (0x0080, 8))
# Hints, as they are for all glyphs.
_COPIED = ("cvt ", "fpgm", "prep")
_MAGIC = 0xB1B0AFBA

Table = tuple[bytes, int]
# A glyph's outline and, where it is made of others, where their numbers stand.
Glyph = tuple[bytes, tuple[int, ...]]


def subset_of(text: Sequence[str]) -> bytes:
    """Glyph 1 is that of the first character of `text`, and so on; 0 is that of none."""
    glyphs, data = _with_parts([0, *(face().charToGlyph[ord(sign)] for sign in text)])
    metrics = [part for glyph in glyphs for part in face().hmetrics[glyph]]
    tables = {
        **_common_tables(),
        "glyf": _table(b"".join(data)),
        "hhea": _table(face().get_table("hhea")[:-2] + pack(">H", len(glyphs))),
        "hmtx": _table(pack(f">{len(metrics)}H", *map(int, metrics))),
        "loca": _table(pack(f">{len(data) + 1}L", *accumulate(map(len, data), initial=0))),
        "maxp": _table(_changed(face().get_table("maxp"), 4, len(glyphs))),
    }
    return _file(tables)


def _with_parts(glyphs: list[int]) -> tuple[list[int], list[bytes]]:
    """Behind the glyphs come those that they are made of, and they name them by their new numbers."""
    data: list[bytes] = []
    numbers: dict[int, int] = {}
    for glyph in glyphs:
        outline, parts = _glyph(glyph)
        for at in parts:
            [part] = unpack_from(">H", outline, at)
            if part not in numbers:
                numbers[part] = len(glyphs)
                # The loop comes to it.
                glyphs.append(part)
            outline = _changed(outline, at, numbers[part])
        data.append(outline)
    return glyphs, data


@lru_cache(maxsize=2048)
def _glyph(number: int) -> Glyph:
    begin, end = face().glyphPos[number : number + 2]
    at = face().get_table_pos("glyf")[0]
    outline = face().get_chunk(at + begin, end - begin)
    return outline + bytes(-len(outline) % 4), tuple(_parts(outline))


def _parts(outline: bytes) -> Iterator[int]:
    if not outline or unpack_from(">h", outline)[0] >= 0:
        return
    at, flags = 10, _MORE
    while flags & _MORE:
        [flags] = unpack_from(">H", outline, at)
        yield at + 2
        at += 8 if flags & _ARGUMENTS_ARE_WORDS else 6
        at += sum(length for flag, length in _SCALES if flags & flag)


@lru_cache(maxsize=1)
def _common_tables() -> dict[str, Table]:
    """`head` says that places in `glyf` are four bytes long and, for the time being, that the file's sum is zero."""
    head = face().get_table("head")
    head = head[:8] + bytes(4) + head[12:50] + b"\0\1" + head[52:]
    return {"head": _table(head)} | {name: _table(face().get_table(name)) for name in _COPIED}


def _table(content: bytes) -> Table:
    return content, _sum(content)


def _sum(content: bytes) -> int:
    padded = content + bytes(-len(content) % 4)
    words: tuple[int, ...] = unpack(f">{len(padded) // 4}L", padded)
    return sum(words) & 0xFFFFFFFF


def _changed(content: bytes, at: int, number: int) -> bytes:
    changed = bytearray(content)
    pack_into(">H", changed, at, number)
    return bytes(changed)


def _file(tables: dict[str, Table]) -> bytes:
    count = len(tables)
    power = count.bit_length() - 1
    directory = pack(">LHHHH", 0x00010000, count, 16 << power, power, 16 * count - (16 << power))
    at, total, head = len(directory) + 16 * count, 0, 0
    contents = []
    for name, (content, checksum) in sorted(tables.items()):
        directory += pack(">4sLLL", name.encode(), checksum, at, len(content))
        if name == "head":
            head = at
        contents.append(content + bytes(-len(content) % 4))
        at += len(contents[-1])
        total += checksum
    made = bytearray(directory + b"".join(contents))
    pack_into(">L", made, head + 8, (_MAGIC - total - _sum(directory)) & 0xFFFFFFFF)
    return bytes(made)
