"""The file around the labels: its objects, the font that it carries, and the symbols that scanners read first."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from PIL import ImageChops, ImageFilter

from tests.unit.labels.reading import LABEL, codes_on, image_of, printed, words_of
from vault_gateway.labels.bitmap import picture_of
from vault_gateway.labels.layout import marks_of
from vault_gateway.labels.marks import SIZES, Matrix, Size, Text
from vault_gateway.labels.pdf import pdf_of
from vault_gateway.labels.symbols import qr

PAPER = Size(40, 20)


def test_every_object_stands_where_the_table_says() -> None:
    """Readers search a file that breaks this, each in its own way."""
    pdf = pdf_of([marks_of(LABEL, SIZES["76x130"])] * 3, SIZES["76x130"])
    found = re.search(rb"xref\n0 (\d+)\n0000000000 65535 f \n((?:\d{10} 00000 n \n)+)trailer", pdf)
    assert found is not None
    places = [int(line.split()[0]) for line in found[2].splitlines()]

    assert len(places) + 1 == int(found[1])
    for number, place in enumerate(places, 1):
        assert pdf[place:].startswith(b"%d 0 obj\n" % number)
    assert pdf.endswith(b"startxref\n%d\n%%%%EOF\n" % found.start())
    for length, stream in re.findall(
        rb"/Length (\d+)[^>]*>>\nstream\n(.*?)\nendstream\nendobj", pdf, re.DOTALL
    ):
        assert int(length) == len(stream)


# One outline; made of two and of three others; of another script; of many strokes.
@pytest.mark.parametrize("sign", "AéếЖ한张")
def test_a_pdf_shows_a_sign_as_dots_do(sign: str) -> None:
    marks = [Text(5, 15, 12, "张é" + sign)]
    dots = image_of(picture_of(marks, PAPER, 300))
    page = printed(pdf_of([marks], PAPER), 300).convert("L").resize(dots.size)

    # Ink further than two dots from ink on the other.
    for one, other in ((dots, page), (page, dots)):
        near = other.filter(ImageFilter.MinFilter(5)).point(lambda grey: 255 * (grey > 127))
        dark = one.point(lambda grey: 255 * (grey > 127))
        assert ImageChops.subtract(near, dark).getbbox() is None


def test_more_signs_than_a_byte_can_count_are_read_back() -> None:
    texts = ["".join(map(chr, range(at, at + 10))) for at in range(0x4E00, 0x4E00 + 400, 10)]

    pages = words_of(pdf_of([[Text(5, 15, 2, text)] for text in texts], PAPER))

    assert pages == texts


def test_labels_drawn_at_once_are_as_those_drawn_alone() -> None:
    size = SIZES["76x130"]
    labels = [replace(LABEL, waybill_no=f"DYT{at:013d}", carrier="éế" * (at % 3 + 1)) for at in range(60)]

    def drawn(at: int) -> bytes:
        return pdf_of([marks_of(labels[at], size)], size)

    alone = [drawn(at) for at in range(len(labels))]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(drawn, range(len(labels)))) == alone


@pytest.mark.parametrize(
    "text",
    ["/receipt/rc_01m74sxx00e0bsd4q3g5gjje8w", "https://例.cn/收据?é=1", "0123456789" * 5, "HTTPS://A.B/C"],
)
def test_a_qr_code_says_any_text(text: str) -> None:
    rows = qr(text)
    side = len(rows)

    assert {len(row) for row in rows} == {side}
    assert set(b"".join(rows)) == {0, 1}
    picture = picture_of([Matrix(4, 4, 32, tuple(rows))], Size(40, 40), 203)
    assert codes_on(image_of(picture)) == {"QR Code": text}
