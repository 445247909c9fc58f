"""Labels as a PDF of vectors and selectable text, a page each."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence

from reportlab import rl_config
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from vault_gateway.labels.fonts import NAME, pdf_font
from vault_gateway.labels.marks import Bars, Box, Mark, Matrix, Size, Text

# Wider modules make a symbol longer and no easier to read.
_WIDEST_MODULE = 0.5
_FILL_AND_STROKE = 2
# Dark modules beside one another.
_DARK = re.compile(rb"\x01+")


def pdf_of(pages: Iterable[Sequence[Mark]], size: Size) -> bytes:
    pdf_font()
    # Text around binary streams: they would be a quarter longer, and take a tenth of the time.
    rl_config.useA85 = 0
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
    if mark.white:
        canvas.setFillGray(1)
    text = canvas.beginText(mark.x, -mark.y)
    text.setFont(NAME, mark.size)
    if mark.bold:
        canvas.setLineWidth(mark.size * 0.03)
        text.setTextRenderMode(_FILL_AND_STROKE)
    text.textOut(mark.text)
    canvas.drawText(text)
    # The font has one weight, and PDF would go on with outlines after the text.
    canvas.restoreState()


def _draw_bars(canvas: Canvas, mark: Bars) -> None:
    total = sum(mark.modules)
    module = min(mark.width / total, _WIDEST_MODULE)
    bars, at = [], 0
    for number, modules in enumerate(mark.modules):
        if number % 2 == 0:
            bars.append(f"{at} 0 {modules} 1 re")
        at += modules
    x = mark.x + (mark.width - module * total) / 2
    _fill(canvas, (module, mark.height), (x, mark.y + mark.height), bars)


def _draw_matrix(canvas: Canvas, mark: Matrix) -> None:
    count = len(mark.rows)
    runs = [
        f"{run.start()} {count - at - 1} {run.end() - run.start()} 1 re"
        for at, row in enumerate(mark.rows)
        for run in _DARK.finditer(row)
    ]
    module = mark.side / count
    _fill(canvas, (module, module), (mark.x, mark.y + mark.side), runs)


def _fill(
    canvas: Canvas, module: tuple[float, float], corner: tuple[float, float], rectangles: Sequence[str]
) -> None:
    """One path for all, which printers fill without seams, in whole modules from the lower left corner. Written as
    PDF has it (ISO 32000-1, 8.5.2): reportlab takes longer over a path's numbers than over all else of a label."""
    (across, up), (x, y) = module, corner
    move = f"q {across:.5f} 0 0 {up:.5f} {x:.4f} {-y:.4f} cm"
    canvas.addLiteral("\n".join([move, *rectangles, "f Q"]))
