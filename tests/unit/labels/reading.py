"""Labels as a scanner and a printer see them."""

from __future__ import annotations

import base64
import binascii
import re
import zlib

import pypdfium2
import zxingcpp
from PIL import Image

from vault_gateway.labels.bitmap import Picture
from vault_gateway.labels.label import Label, Masked

NUMBER = "DYT20261111000042"
RECEIPT = "https://vault.example.com/receipt/rc_01m74sxx00e0bsd4q3g5gjje8w"
LABEL = Label(
    waybill_no=NUMBER,
    carrier="example-express",
    network="抖音 Douyin",
    recipient=Masked("张**", "1******1234", "浙江省杭州市西湖区转塘街道****"),
    sender=Masked("O**", "+1 2******0123", "US, California, San Francisco, ****"),
    routing_code="571-A12-07",
    call="95013 4567 8901 转 471123",
    receipt=RECEIPT,
    day="2026-11-11",
)


def codes_on(picture: Image.Image) -> dict[str, str]:
    """What is scanned: the text by the kind of symbol."""
    return {str(code.format): code.text for code in zxingcpp.read_barcodes(picture.convert("L"))}


def image_of(picture: Picture) -> Image.Image:
    dots = bytes(picture.dots(inverted=True))
    rows = [dots[at + 1 : at + picture.row] for at in range(0, len(dots), picture.row)]
    return Image.frombytes("1", (picture.width, picture.height), b"".join(rows)).convert("L")


def printed(pdf: bytes, dpi: int, page: int = 0) -> Image.Image:
    picture: Image.Image = pypdfium2.PdfDocument(pdf)[page].render(scale=dpi / 72).to_pil()
    return picture


def words_of(pdf: bytes) -> list[str]:
    """The text of each page."""
    return [page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(pdf)]


def picture_in(zpl: str) -> Image.Image:
    """What a printer makes of the graphic field, checksum and length included."""
    found = re.fullmatch(
        r"\^XA\^PW(\d+)\^LL(\d+)\^LH0,0\^FO0,0\^GFA,(\d+),(\d+),(\d+),:Z64:([A-Za-z0-9+/=]+):([0-9A-F]{4})\^FS\^XZ\n",
        zpl,
    )
    assert found is not None
    width, height, total, again, row = (int(found[at]) for at in range(1, 6))
    assert int(found[7], 16) == binascii.crc_hqx(found[6].encode(), 0)
    bits = zlib.decompress(base64.b64decode(found[6]))
    assert len(bits) == total == again == row * height
    # One is black to a printer, and nothing to a picture.
    return Image.frombytes("1", (width, height), bytes(255 - byte for byte in bits), "raw", "1", row)
