"""Every kind of label is read back by a scanner, straight, turned, and from a poor camera."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from PIL import Image, ImageChops

from tests.unit.labels.reading import (
    LABEL,
    NUMBER,
    RECEIPT,
    codes_on,
    image_of,
    picture_in,
    printed,
    words_of,
)
from vault_gateway.labels.bitmap import Picture, Stamp, picture_of, png_of, stamp_of, zpl_of
from vault_gateway.labels.fonts import printable, width_of, wrapped
from vault_gateway.labels.label import Label, Masked
from vault_gateway.labels.layout import marks_of
from vault_gateway.labels.marks import SIZES, Bars, Matrix, Size, Text
from vault_gateway.labels.pdf import pdf_of
from vault_gateway.labels.schemas import RESOLUTIONS

BOTH = {"Code 128": NUMBER, "QR Code": RECEIPT}
sizes = pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
resolutions = pytest.mark.parametrize("dpi", RESOLUTIONS)


@sizes
@resolutions
def test_barcode_and_qr_code_are_scanned_from_dots(size: Size, dpi: int) -> None:
    picture = image_of(picture_of(marks_of(LABEL, size), size, dpi))

    assert codes_on(picture) == BOTH
    assert picture.size == (round(size.width * dpi / 25.4), round(size.height * dpi / 25.4))


@sizes
@resolutions
def test_barcode_and_qr_code_are_scanned_from_a_printed_pdf(size: Size, dpi: int) -> None:
    assert codes_on(printed(pdf_of([marks_of(LABEL, size)], size), dpi)) == BOTH


@sizes
@resolutions
@pytest.mark.parametrize("degrees", [-4, 3, 90, 180])
def test_a_turned_label_is_scanned(size: Size, dpi: int, degrees: float) -> None:
    picture = image_of(picture_of(marks_of(LABEL, size), size, dpi)).convert("L")

    turned = picture.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=255)

    assert codes_on(turned) == BOTH


@sizes
@resolutions
def test_a_small_photograph_is_scanned(size: Size, dpi: int) -> None:
    """Two dots of 203 and three of 300 to a millimetre and less than a camera has."""
    picture = image_of(picture_of(marks_of(LABEL, size), size, dpi)).convert("L")

    small = picture.resize(
        (round(picture.width * 0.7), round(picture.height * 0.7)), Image.Resampling.BILINEAR
    )

    assert codes_on(small) == BOTH


@sizes
@resolutions
def test_zpl_and_png_carry_the_very_dots(size: Size, dpi: int) -> None:
    picture = picture_of(marks_of(LABEL, size), size, dpi)

    from_zpl, from_png = picture_in(zpl_of(picture)), Image.open(io.BytesIO(png_of(picture, dpi)))

    assert ImageChops.difference(from_zpl.convert("L"), image_of(picture).convert("L")).getbbox() is None
    assert ImageChops.difference(from_png.convert("L"), image_of(picture).convert("L")).getbbox() is None
    assert tuple(round(dots) for dots in from_png.info["dpi"]) == (dpi, dpi)
    assert len(zpl_of(picture)) < 60_000


def dots_of(picture: Picture) -> list[str]:
    """A row each, # is black."""
    image = image_of(picture)
    dots = "".join(" " if dot else "#" for dot in image.tobytes())
    return [dots[at : at + image.width] for at in range(0, len(dots), image.width)]


def stamp(picture: Picture, *rows: str) -> Stamp:
    """Of at most eight dots a row."""
    packed = [bytes([int(row.replace("#", "1").replace(" ", "0").ljust(8, "0"), 2)]) for row in rows]
    return stamp_of(packed, len(rows[0]), picture.row)


def test_what_is_beyond_an_edge_is_left_out() -> None:
    picture = Picture(4, 3)
    for x, y in ((3, 1), (-1, 0), (0, -1), (1, 2), (4, 0)):
        picture.draw(x, y, stamp(picture, "##", "##"))

    assert dots_of(picture) == ["    ", "   #", "   #"]


def test_a_line_longer_than_the_paper_ends_at_its_edge() -> None:
    size = Size(20, 20)
    short, long = (dots_of(picture_of([Text(1, 15, 5, "一" * count)], size, 203)) for count in (3, 30))

    assert all(over.startswith(under.rstrip()) for under, over in zip(short, long, strict=True))
    assert sum("#" in row for row in short) == sum("#" in row for row in long) > 0


def test_white_is_drawn_on_what_was_there_and_under_what_comes() -> None:
    picture = Picture(4, 3)
    picture.draw(0, 0, stamp(picture, "####", "####", "####"))
    picture.draw(1, 1, stamp(picture, "# ", " #"), white=True)
    picture.draw(0, 0, stamp(picture, "# ", "# ", " #"))

    assert dots_of(picture) == ["####", "# ##", "## #"]


def test_a_pdf_carries_no_signs_but_those_that_it_shows() -> None:
    size = SIZES["76x130"]

    def length(text: str) -> int:
        return len(pdf_of([[Text(5, 15, 8, text)]], size))

    assert length("ABCDEFGHIJKLMNOP") > length("AAAAAAAAAAAAAAAA") + 800


def test_the_masks_can_be_read_and_selected_in_a_pdf() -> None:
    size = SIZES["76x130"]

    [words] = words_of(pdf_of([marks_of(LABEL, size)], size))

    for text in (
        "张**",
        "1******1234",
        "浙江省杭州市西湖区转塘街道",
        "571-A12-07",
        "95013 4567 8901 转 471123",
        "+1 2******0123",
        "San Francisco",
        "抖音 Douyin",
        "example-express",
        "2026-11-11",
    ):
        assert text in words, text


def test_many_labels_are_a_page_each_in_order() -> None:
    size = SIZES["100x180"]
    labels = [replace(LABEL, waybill_no=f"SF14000000000{at:02d}") for at in range(12)]

    pdf = pdf_of((marks_of(label, size) for label in labels), size)

    assert len(words_of(pdf)) == 12
    for at in (0, 5, 11):
        assert codes_on(printed(pdf, 203, at))["Code 128"] == labels[at].waybill_no


def test_the_same_label_is_the_same_file() -> None:
    size = SIZES["76x130"]

    assert pdf_of([marks_of(LABEL, size)], size) == pdf_of([marks_of(LABEL, size)], size)


LONG = Label(
    waybill_no="SF" + "0A" * 12,
    carrier="c" * 40,
    network="一" * 40,
    recipient=Masked(
        "W**", "+1234 ***********1234", "新疆维吾尔自治区伊犁哈萨克自治州察布查尔锡伯自治县" * 3 + "****"
    ),
    sender=Masked("О**", "+7 9******1234", "A" * 160),
    routing_code="999-ZZ99-99-WWWW",
    call="+999 12345678901234 转 12345678",
    receipt="https://" + "v" * 92 + "/receipt/rc_01m74sxx00e0bsd4q3g5gjje8w",
    day="2026-11-11",
)
BARE = replace(LABEL, sender=None, routing_code=None, call=None)


@sizes
@pytest.mark.parametrize("label", [LABEL, LONG, BARE], ids=["usual", "long", "bare"])
def test_nothing_leaves_the_paper_and_no_line_covers_another(size: Size, label: Label) -> None:
    texts = [mark for mark in marks_of(label, size) if isinstance(mark, Text)]
    for mark in texts:
        assert 0 < mark.x <= mark.x + width_of(mark.text, mark.size) <= size.width - 2, mark.text
        assert mark.size <= mark.y <= size.height - 1, mark.text
    for one in texts:
        for other in texts:
            apart = other.x >= one.x + width_of(one.text, one.size) or one.x >= other.x + width_of(
                other.text, other.size
            )
            assert one is other or apart or abs(one.y - other.y) > 0.9 * min(one.size, other.size)


@sizes
def test_the_longest_texts_are_still_scanned_at_300_dots(size: Size) -> None:
    assert codes_on(image_of(picture_of(marks_of(LONG, size), size, 300))) == {
        "Code 128": LONG.waybill_no,
        "QR Code": LONG.receipt,
    }


@sizes
def test_symbols_have_their_quiet_zones(size: Size) -> None:
    for mark in marks_of(LABEL, size):
        if isinstance(mark, Bars):
            module = mark.width / sum(mark.modules)
            assert min(mark.x, size.width - mark.x - mark.width) >= min(10 * module, 5)
        if isinstance(mark, Matrix):
            assert mark.x >= 3
            assert mark.y + mark.side <= size.height - 3


def test_lines_are_cut_between_words_and_stars_stay_together() -> None:
    assert wrapped("浙江省杭州市****", 1, 8, 2) == ["浙江省杭州市", "****"]
    assert wrapped("San Francisco", 1, 5, 2) == ["San", "Francisco"]
    assert wrapped("一二三四五六", 1, 3, 2) == ["一二三", "四五六"]
    assert wrapped("一二三四五六七", 1, 3, 2) == ["一二三", "四五…"]
    assert wrapped("", 1, 3, 2) == [""]


@pytest.mark.parametrize("sign", "张龘阿é Ж Ω ひ 한 ß ế".replace(" ", ""))
def test_a_first_character_of_a_name_is_drawn(sign: str) -> None:
    """Not as the box that stands for what a font lacks."""
    size = Size(20, 20)

    def drawn(text: str) -> bytes:
        return bytes(picture_of([Text(5, 15, 8, text)], size, 203).dots())

    assert drawn(sign) != drawn("\U0010fffd")


# Arabic, Hebrew, Thai, Devanagari, Georgian, Tibetan, an ideograph of extension A and one of extension B, a picture.
@pytest.mark.parametrize("sign", list("عשกकაབ㐀𠀀😀"), ids=ascii)
def test_a_sign_that_the_font_lacks_is_said_to_be_missing(sign: str) -> None:
    label = replace(LABEL, recipient=Masked(f"{sign}**", "1******1234", f"{sign}省****"), call=None)
    size = SIZES["76x130"]
    marks = marks_of(label, size)

    assert [mark.text for mark in marks if isinstance(mark, Text) and "〓" in mark.text] == [
        "〓**  1******1234",
        "〓省****",
    ]
    [words] = words_of(pdf_of([marks], size))
    assert "〓**" in words
    assert sign not in words


@pytest.mark.parametrize("text", ["张**", "Ö**", "Ω**", "Ж**", "김**", "さ**", "·-,'“”（）"])
def test_what_the_font_has_is_printed_as_it_is(text: str) -> None:
    assert printable(text) == text


def test_marks_without_a_sign_of_their_own_leave_nothing_behind() -> None:
    """A Thai vowel above, an Indian virama, a variation selector: they belong to the sign before."""
    assert printable("ก\u0e34**") == "〓**"
    assert printable("葛\U000e0100**") == "葛**"
    assert printable("क\u094d**") == "〓**"
