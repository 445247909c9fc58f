"""What a label is made of: a few kinds of black marks, in millimetres from its upper left corner."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    width: float
    height: float


SIZES = {"76x130": Size(76, 130), "100x180": Size(100, 180)}


@dataclass(frozen=True, slots=True)
class Box:
    """Filled black."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Text:
    """One line; `y` is its base line, `size` the height of the em."""

    x: float
    y: float
    size: float
    text: str
    bold: bool = False
    white: bool = False


@dataclass(frozen=True, slots=True)
class Bars:
    """A Code 128 in the middle of its place; painters make a module a whole number of their dots."""

    x: float
    y: float
    width: float
    height: float
    modules: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """A QR code in the middle of a square."""

    x: float
    y: float
    side: float
    rows: tuple[bytes, ...]


Mark = Box | Text | Bars | Matrix
