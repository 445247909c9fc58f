"""Labels as a PDF of vectors and selectable text, a page each."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from vault_gateway.labels.fonts import NAME, pdf_font
from vault_gateway.labels.marks import Bars, Box, Mark, Matrix, Size, Text

# Wider modules make a symbol longer and no easier to read.
_WIDEST_MODULE = 0.5
_FILL_AND_STROKE = 2


def pdf_of(pages: Iterable[Sequence[Mark]], size: Size) -> bytes:
    pdf_font()
    out = io.BytesIO()
    # Invariant: the same label is the same file, without the time of printing.
    canvas = Canvas(out, pagesize=(size.width * mm, size.height * mm), pageCompression=1, invariant=1)
    canvas.setTitle("Labels")
    for marks in pages:
        # Millimetres from the upper left corner; what is drawn keeps its orientation.
        canvas.scale(mm, mm)
        canvas.translate(0, size.height)
        for mark in marks:
            _draw(canvas, mark)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def _draw(canvas: Canvas, mark: Mark) -> None:
    match mark:
        case Text():
            _draw_text(canvas, mark)
        case Box():
            canvas.rect(mark.x, -mark.y - mark.height, mark.width, mark.height, stroke=0, fill=1)
        case Bars():
            _draw_bars(canvas, mark)
        case Matrix():
            _draw_matrix(canvas, mark)


def _draw_text(canvas: Canvas, mark: Text) -> None:
    canvas.saveState()
    canvas.setFillGray(1 if mark.white else 0)
    canvas.setLineWidth(mark.size * 0.03)
    text = canvas.beginText(mark.x, -mark.y)
    text.setFont(NAME, mark.size)
    if mark.bold:
        text.setTextRenderMode(_FILL_AND_STROKE)
    text.textOut(mark.text)
    canvas.drawText(text)
    # The font has one weight, and PDF would go on with outlines after the text.
    canvas.restoreState()


def _draw_bars(canvas: Canvas, mark: Bars) -> None:
    """One path for all bars: printers fill it without seams."""
    total = sum(mark.modules)
    module = min(mark.width / total, _WIDEST_MODULE)
    x = mark.x + (mark.width - module * total) / 2
    path = canvas.beginPath()
    for at, modules in enumerate(mark.modules):
        if at % 2 == 0:
            path.rect(x, -mark.y - mark.height, modules * module, mark.height)
        x += modules * module
    canvas.drawPath(path, stroke=0, fill=1)


def _draw_matrix(canvas: Canvas, mark: Matrix) -> None:
    module = mark.side / len(mark.rows)
    path = canvas.beginPath()
    for at, row in enumerate(mark.rows):
        y = -mark.y - module * (at + 1)
        for start, length in _runs(row):
            path.rect(mark.x + module * start, y, module * length, module)
    canvas.drawPath(path, stroke=0, fill=1)


def _runs(row: bytes) -> Iterable[tuple[int, int]]:
    """Where dark modules begin, and how many there are in a row."""
    start = row.find(1)
    while start >= 0:
        end = row.find(0, start)
        end = len(row) if end < 0 else end
        yield start, end - start
        start = row.find(1, end)
