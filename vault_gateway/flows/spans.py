"""Spans of days that are added up beforehand: a year is answered from a dozen of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

# In days; the first of each begins on this day.
SPANS = (1, 2, 4, 8, 16, 32, 64)
FIRST = date(2000, 1, 1)


def spans_of(begins: date, ends: date) -> Iterator[tuple[int, date]]:
    """The fewest spans, with their first days, that hold these days (both included) and no other."""
    while begins <= ends:
        left = (ends - begins).days + 1
        span = max(span for span in SPANS if span <= left and (begins - FIRST).days % span == 0)
        yield span, begins
        begins += timedelta(days=span)
