"""A carrier's table as it is sent: CSV with a region prefix and its code in each row."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from vault_gateway.tokens.levels import read_prefix
from vault_gateway.tokens.text import ValueRefused

COLUMNS = ("province", "city", "district", "township", "code")
MAX_ROWS = 50_000
MAX_FAULTS = 100
_LONGEST_FIELD = 80
# What is printed large on a label: `571-A12-07`.
_CODE = re.compile(r"[0-9A-Z\u4e00-\u9fff](?:[0-9A-Z\u4e00-\u9fff /.-]{0,30}[0-9A-Z\u4e00-\u9fff])?")


class TableRefused(Exception):
    """`faults` are sentences by line number, the first line being the columns' names; no sentence repeats a value."""

    def __init__(self, faults: dict[int, str]) -> None:
        super().__init__("the table is refused")
        self.faults = faults


class _Wrong(Exception):
    """A row that cannot be taken."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Route:
    """`prefix` is province to township in full, as far as the row goes."""

    prefix: tuple[str, ...]
    code: str


def read_table(content: bytes) -> list[Route]:
    """All rows, or TableRefused with the first hundred that are wrong. A table without rows is one."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise TableRefused({1: "The table is not in UTF-8."}) from None
    if "\0" in text:
        raise TableRefused({1: "The table has a character that no text has."})
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    routes: list[Route] = []
    faults: dict[int, str] = {}
    seen: set[tuple[str, ...]] = set()
    try:
        places = _places_of_columns(next(lines, []))
        for row in _rows(lines):
            try:
                route = _route([row[place] if place < len(row) else "" for place in places], len(row))
                if route.prefix in seen:
                    raise _Wrong("Another row has the same region.")
            except (_Wrong, ValueRefused) as wrong:
                faults[lines.line_num] = wrong.detail
                if len(faults) == MAX_FAULTS:
                    break
                continue
            seen.add(route.prefix)
            routes.append(route)
            if len(routes) > MAX_ROWS:
                raise TableRefused({lines.line_num: f"A table has at most {MAX_ROWS:,} rows."})
    except csv.Error:
        faults[lines.line_num] = "This is not CSV."
    if faults:
        raise TableRefused(faults)
    return routes


def _rows(lines: Iterator[list[str]]) -> Iterator[list[str]]:
    return (row for row in lines if row)


def _places_of_columns(names: list[str]) -> list[int]:
    if sorted(names) != sorted(COLUMNS):
        raise TableRefused({1: f"The first line names the columns {', '.join(COLUMNS)}."})
    return [names.index(column) for column in COLUMNS]


def _route(values: list[str], fields: int) -> Route:
    if fields != len(COLUMNS):
        raise _Wrong("The row has another number of columns.")
    if max(map(len, values)) > _LONGEST_FIELD:
        raise _Wrong(f"A column holds at most {_LONGEST_FIELD} characters.")
    *levels, code = values
    if not _CODE.fullmatch(code):
        raise _Wrong("A code is 1 to 32 of A-Z, 0-9, Chinese characters, space, /, . and -.")
    return Route(read_prefix(*levels), code)
