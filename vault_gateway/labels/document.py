"""A PDF file (ISO 32000-1, 7.5) of pages that show text in the labels' font."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from zlib import crc32

from isal import isal_zlib

from vault_gateway.labels.fonts import advance_of, face
from vault_gateway.labels.subset import subset_of

# Of one block of a character map (Adobe Technical Note 5014).
_AT_ONCE = 100


class Document:
    """The objects of a file by their numbers, the first is 1."""

    def __init__(self) -> None:
        self._objects: list[bytes] = []

    def reserve(self) -> int:
        self._objects.append(b"")
        return len(self._objects)

    def put(self, number: int, content: str) -> None:
        self._objects[number - 1] = content.encode()

    def add(self, content: str) -> int:
        number = self.reserve()
        self.put(number, content)
        return number

    def stream(self, content: bytes, more: str = "") -> int:
        packed = isal_zlib.compress(content)
        head = f"<< /Filter /FlateDecode /Length {len(packed)}{more} >>\nstream\n"
        self._objects.append(head.encode() + packed + b"\nendstream")
        return len(self._objects)

    def written(self, root: int, info: int) -> bytes:
        made, at, places = [b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"], 15, []
        for number, content in enumerate(self._objects, 1):
            made.append(b"%d 0 obj\n%b\nendobj\n" % (number, content))
            places.append(at)
            at += len(made[-1])
        count = len(places) + 1
        made.append(b"xref\n0 %d\n0000000000 65535 f \n" % count)
        made += [b"%010d 00000 n \n" % place for place in places]
        made.append(
            b"trailer\n<< /Size %d /Root %d 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n"
            % (count, root, info, at)
        )
        return b"".join(made)


class Signs:
    """The characters that a document shows, numbered from 1 as they come."""

    def __init__(self) -> None:
        self._codes: dict[str, str] = {}

    def encoded(self, text: str) -> str:
        """In the two bytes a character that the font's encoding has, as a hexadecimal string."""
        codes = self._codes
        return "".join([codes.get(sign) or codes.setdefault(sign, f"{len(codes) + 1:04x}") for sign in text])

    def font(self, document: Document) -> str:
        """A composite font of what was encoded (ISO 32000-1, 9.7), whose text can be searched and copied."""
        text = list(self._codes)
        name = f"{_tag(text)}+{face().name.decode()}"
        font = subset_of(text)
        file = document.stream(font, f" /Length1 {len(font)}")
        widths = " ".join([f"{advance_of(sign):.0f}" for sign in text])
        descendant = document.add(
            f"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /{name} /CIDToGIDMap /Identity\n"
            "/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >>\n"
            f"/FontDescriptor {document.add(_descriptor(name, file))} 0 R /W [1 [{widths}]] >>"
        )
        meanings = document.stream(_meanings(self._codes).encode())
        return (
            f"<< /Type /Font /Subtype /Type0 /BaseFont /{name} /Encoding /Identity-H\n"
            f"/DescendantFonts [{descendant} 0 R] /ToUnicode {meanings} 0 R >>"
        )


def _tag(text: Sequence[str]) -> str:
    """Six letters that tell one subset of a font from another, in files that are made of several."""
    number = crc32("".join(text).encode())
    return "".join(chr(ord("A") + number // 26**at % 26) for at in range(6))


def _descriptor(name: str, file: int) -> str:
    box = " ".join(f"{edge:.0f}" for edge in face().bbox)
    return (
        f"<< /Type /FontDescriptor /FontName /{name} /Flags {face().flags} /FontBBox [{box}]\n"
        f"/ItalicAngle 0 /Ascent {face().ascent:.0f} /Descent {face().descent:.0f}\n"
        f"/CapHeight {face().capHeight:.0f} /StemV {face().stemV} /FontFile2 {file} 0 R >>"
    )


def _meanings(codes: Mapping[str, str]) -> str:
    lines = [f"<{code}> <{sign.encode('utf-16-be').hex()}>\n" for sign, code in codes.items()]
    blocks = [lines[at : at + _AT_ONCE] for at in range(0, len(lines), _AT_ONCE)]
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
        "1 begincodespacerange\n<0000> <ffff>\nendcodespacerange\n"
        + "".join([f"{len(block)} beginbfchar\n{''.join(block)}endbfchar\n" for block in blocks])
        + "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
    )
