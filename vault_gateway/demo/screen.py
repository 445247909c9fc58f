"""Printing on a terminal: 100 columns, colours where they can be, Chinese two cells wide."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Sequence
from typing import TextIO

WIDTH = 100
_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}
_WIDE = frozenset("WF")
_SPACES = re.compile(r"\s+")


def may_colour(out: TextIO) -> bool:
    """See no-color.org; a pipe and a dumb terminal get plain text too."""
    return out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"


def cells(text: str) -> int:
    """How many columns of a terminal the text takes."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in _WIDE else 1 for c in text
    )


def fitted(text: str, width: int) -> str:
    """The text in exactly `width` cells: filled up, or cut with an ellipsis."""
    if cells(text) > width:
        kept = ""
        for character in text:
            if cells(kept + character) > width - 1:
                break
            kept += character
        text = kept + "…"
    return text + " " * (width - cells(text))


class Screen:
    def __init__(self, out: TextIO, *, colour: bool | None = None) -> None:
        self._out = out
        self._colour = may_colour(out) if colour is None else colour

    def styled(self, text: str, *styles: str) -> str:
        if not self._colour or not styles:
            return text
        return f"\x1b[{';'.join(_STYLES[style] for style in styles)}m{text}\x1b[0m"

    def line(self, text: str = "", *styles: str) -> None:
        self._out.write(self.styled(text, *styles) + "\n" if text else "\n")
        self._out.flush()

    def title(self, number: int, text: str) -> None:
        head = f" {number}  {text} "
        self.line()
        self.line(head + "─" * (WIDTH - cells(head)), "bold", "cyan")

    def tell(self, text: str, *styles: str) -> None:
        """A paragraph, wrapped."""
        row = ""
        for word in _SPACES.split(text.strip()):
            if row and cells(row) + 1 + cells(word) > WIDTH - 4:
                self.line("    " + row, *styles)
                row = ""
            row = f"{row} {word}" if row else word
        self.line("    " + row, *styles)

    def done(self, text: str) -> None:
        """Something that was checked."""
        self.line("  " + self.styled("✓", "green", "bold") + " " + text)

    def attempt(self, who: str, tries: str, answer: str, *, allowed: bool) -> None:
        """One line: who tries what, and what came of it."""
        colour = "green" if allowed else "red"
        self.line(
            "  "
            + self.styled("✓" if allowed else "✗", colour, "bold")
            + " "
            + self.styled(fitted(who, 28), "bold")
            + fitted(tries, 39)
            + self.styled(answer, colour)
        )

    def table(
        self, heads: Sequence[str], widths: Sequence[int], rows: Sequence[Sequence[str]], marked: str = ""
    ) -> None:
        """Rows under their heads; a row with a cell `marked` is red."""
        head = "  ".join(fitted(head, width) for head, width in zip(heads, widths, strict=True))
        self.line("    " + head.rstrip(), "dim")
        for row in rows:
            text = "  ".join(fitted(cell, width) for cell, width in zip(row, widths, strict=True))
            self.line("    " + text.rstrip(), *(("red",) if marked and marked in row else ()))

    def box(self, rows: Sequence[str], *styles: str) -> None:
        width = max(map(cells, rows)) + 2
        self.line("    ┌" + "─" * width + "┐", *styles)
        for row in rows:
            self.line("    │ " + fitted(row, width - 2) + " │", *styles)
        self.line("    └" + "─" * width + "┘", *styles)
