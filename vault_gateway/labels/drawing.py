"""Labels as files. Imports all that draws."""

from __future__ import annotations

from collections.abc import Sequence

from vault_gateway.labels.bitmap import picture_of, png_of, zpl_of
from vault_gateway.labels.label import Label
from vault_gateway.labels.layout import marks_of
from vault_gateway.labels.marks import Size
from vault_gateway.labels.pdf import pdf_of


def pdf(labels: Sequence[Label], size: Size) -> bytes:
    return pdf_of((marks_of(label, size) for label in labels), size)


def bitmap(label: Label, extension: str, size: Size, dpi: int) -> bytes:
    """`extension` is png or zpl."""
    picture = picture_of(marks_of(label, size), size, dpi)
    return png_of(picture, dpi) if extension == "png" else zpl_of(picture).encode()
