"""Labels as a PDF of vectors and selectable text, a page each. What stands on a page is written as PDF has it (ISO
32000-1, 8 and 9): a program that writes any page takes longer over a label's few marks than all else does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from vault_gateway.labels.document import Document, Signs
from vault_gateway.labels.marks import Bars, Box, Mark, Matrix, Size, Text

# Points, of which PDF has 72 an inch.
_MM = 72 / 25.4
# Wider modules make a symbol longer and no easier to read.
_WIDEST_MODULE = 0.5
# Dark modules beside one another.
_DARK = re.compile(rb"\x01+")


def pdf_of(pages: Iterable[Sequence[Mark]], size: Size) -> bytes:
    """The same labels are the same file: it says nothing of the time of printing."""
    document, signs = Document(), Signs()
    tree, font = document.reserve(), document.reserve()
    # Millimetres from the upper left corner; what is drawn keeps its orientation.
    ground = f"{_MM:.6f} 0 0 {_MM:.6f} 0 {size.height * _MM:.4f} cm"
    kids = []
    for marks in pages:
        drawn = "\n".join([ground, *(_drawn(mark, signs) for mark in marks)])
        content = document.stream(drawn.encode())
        kids.append(document.add(f"<< /Type /Page /Parent {tree} 0 R /Contents {content} 0 R >>"))
    document.put(
        tree,
        f"<< /Type /Pages /Count {len(kids)} /Kids [{' '.join(f'{kid} 0 R' for kid in kids)}]\n"
        f"/MediaBox [0 0 {size.width * _MM:.4f} {size.height * _MM:.4f}]\n"
        f"/Resources << /Font << /F {font} 0 R >> >> >>",
    )
    document.put(font, signs.font(document))
    root = document.add(f"<< /Type /Catalog /Pages {tree} 0 R >>")
    return document.written(root, document.add("<< /Title (Labels) >>"))


def _drawn(mark: Mark, signs: Signs) -> str:
    match mark:
        case Text():
            return _text(mark, signs)
        case Box():
            return f"{mark.x:.4f} {-mark.y - mark.height:.4f} {mark.width:.4f} {mark.height:.4f} re f"
        case Bars():
            return _bars(mark)
        case Matrix():
            return _matrix(mark)


def _text(mark: Text, signs: Signs) -> str:
    line = f"BT /F {mark.size:.4f} Tf {mark.x:.4f} {-mark.y:.4f} Td <{signs.encoded(mark.text)}> Tj ET"
    if mark.white:
        return f"q 1 g {line} Q"
    # The font has one weight: bold is filled and outlined.
    return f"q 2 Tr {mark.size * 0.03:.4f} w {line} Q" if mark.bold else line


def _bars(mark: Bars) -> str:
    total = sum(mark.modules)
    module = min(mark.width / total, _WIDEST_MODULE)
    bars, at = [], 0
    for number, modules in enumerate(mark.modules):
        if number % 2 == 0:
            bars.append(f"{at} 0 {modules} 1 re")
        at += modules
    x = mark.x + (mark.width - module * total) / 2
    return _filled((module, mark.height), (x, mark.y + mark.height), bars)


def _matrix(mark: Matrix) -> str:
    count = len(mark.rows)
    runs = [
        f"{run.start()} {count - at - 1} {run.end() - run.start()} 1 re"
        for at, row in enumerate(mark.rows)
        for run in _DARK.finditer(row)
    ]
    module = mark.side / count
    return _filled((module, module), (mark.x, mark.y + mark.side), runs)


def _filled(module: tuple[float, float], corner: tuple[float, float], rectangles: Sequence[str]) -> str:
    """One path for all, which printers fill without seams, in whole modules from the lower left corner."""
    (across, up), (x, y) = module, corner
    return "\n".join([f"q {across:.5f} 0 0 {up:.5f} {x:.4f} {-y:.4f} cm", *rectangles, "f Q"])
