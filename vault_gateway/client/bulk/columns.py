"""Which columns are values of people, and what a row of the result looks like.

`phone=phone` is one column; `province,city,district,detail=address` are several that make one address, named by
their fields, or as `FIELD:COLUMN` where a column is called otherwise (`province:省,detail:详细地址=address`).
No message here repeats what is in the file: without a header its first line is somebody's data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from vault_gateway.client.answers import Kind, Value

ERROR_COLUMN = "token_error"
ROW_MALFORMED = "row_malformed"
# Above every limit of the gateway; longer cells are refused here, so that a request stays small.
LONGEST_CELL = 2048
_KINDS: Mapping[str, Kind] = {kind: kind for kind in get_args(Kind)}
_PREFIXES = {"phone": "ph_", "address": "ad_", "name": "nm_"}
_FIELDS = ("country", "province", "city", "district", "township", "detail", "postcode", "text")


class MappingRefused(Exception):
    """The mapping does not make sense, or does not fit the file."""


@dataclass(frozen=True, slots=True)
class ValueColumns:
    """A value that columns hold: one column, or the fields of an address with a column each."""

    kind: Kind
    columns: tuple[str, ...]
    fields: tuple[str, ...] = ()


def read_mapping(text: str) -> ValueColumns:
    left, equals, kind_text = text.rpartition("=")
    kind = _KINDS.get(kind_text)
    if not equals or not left or kind is None:
        raise MappingRefused(f"{text!r}: write COLUMN=KIND, where KIND is phone, address or name")
    parts = left.split(",")
    if len(parts) == 1 and ":" not in left:
        return ValueColumns(kind, (left,))
    if kind != "address":
        raise MappingRefused(f"{text!r}: only an address is made of several columns")
    named = [part.partition(":") for part in parts]
    fields = tuple(field for field, _, _ in named)
    if unknown := [field for field in fields if field not in _FIELDS]:
        raise MappingRefused(f"{text!r}: {unknown[0]!r} is not a field of an address: {', '.join(_FIELDS)}")
    if len(set(fields)) < len(fields):
        raise MappingRefused(f"{text!r}: a field is given twice")
    return ValueColumns(kind, tuple(column or field for field, _, column in named), fields)


@dataclass(frozen=True, slots=True)
class _Cell:
    """A cell of the result: a column as it is, or the token of a mapping."""

    name: str
    mapping: ValueColumns | None
    indexes: tuple[int, ...]


class Columns:
    """The plan for a file with this header. Mapped columns hold tokens in the result; `token_error` comes last."""

    def __init__(self, header: Sequence[str], mappings: Sequence[ValueColumns]) -> None:
        self._width = len(header)
        mapped: dict[int, tuple[ValueColumns, tuple[int, ...]]] = {}
        for mapping in mappings:
            indexes = tuple(_index(header, column) for column in mapping.columns)
            for index in indexes:
                if index in mapped:
                    raise MappingRefused(f"the column {header[index]!r} is mapped twice")
                mapped[index] = (mapping, indexes)
        self._cells: list[_Cell] = []
        for index, name in enumerate(header):
            if index not in mapped:
                self._cells.append(_Cell(name, None, (index,)))
            elif (entry := mapped[index])[1][0] == index:
                mapping, indexes = entry
                own = self._name(mapping.kind) if mapping.fields else name
                self._cells.append(_Cell(own, mapping, indexes))
        self.header = [cell.name for cell in self._cells] + [ERROR_COLUMN]
        if any(self.header.count(name) > 1 for name in (ERROR_COLUMN, *self._group_names())):
            raise MappingRefused(f"the file has a column {ERROR_COLUMN} or address already: rename it first")

    @property
    def values_a_row(self) -> int:
        return sum(cell.mapping is not None for cell in self._cells)

    def values(self, row: Sequence[str], region: str | None) -> list[Value | str]:
        """A row's values in order, or the code why one is not even sent."""
        if len(row) != self._width:
            return [ROW_MALFORMED] * self.values_a_row
        return [
            _value(cell.mapping, [row[index] for index in cell.indexes], region)
            for cell in self._cells
            if cell.mapping is not None
        ]

    def result(self, row: Sequence[str], outcomes: Iterable[tuple[str, str]]) -> list[str]:
        """The result's row; `outcomes` are (token, error code) of its values. A row of another length than the
        header may hold a value in any place: nothing of it is passed on."""
        if len(row) != self._width:
            return [""] * len(self._cells) + [ROW_MALFORMED]
        remaining, cells, errors = iter(outcomes), [], []
        for cell in self._cells:
            if cell.mapping is None:
                cells.append(row[cell.indexes[0]])
                continue
            token, code = next(remaining)
            cells.append(token)
            if code:
                errors.append(f"{cell.name}:{code}")
        return [*cells, " ".join(errors)]

    def continues(self, row: Sequence[str], done: Sequence[str]) -> bool:
        """Can `done` be the result of `row`?"""
        if len(done) != len(self.header):
            return False
        if len(row) != self._width:
            return done[-1] == ROW_MALFORMED
        return all(
            written == row[cell.indexes[0]]
            if cell.mapping is None
            else written == "" or written.startswith(_PREFIXES[cell.mapping.kind])
            for cell, written in zip(self._cells, done, strict=False)
        )

    def tokens_in(self, done: Sequence[str]) -> int:
        return sum(
            cell.mapping is not None and text != "" for cell, text in zip(self._cells, done, strict=False)
        )

    def _name(self, kind: str) -> str:
        taken = sum(cell.mapping is not None and bool(cell.mapping.fields) for cell in self._cells)
        return kind if taken == 0 else f"{kind}_{taken + 1}"

    def _group_names(self) -> list[str]:
        return [cell.name for cell in self._cells if cell.mapping is not None and cell.mapping.fields]


def _index(header: Sequence[str], column: str) -> int:
    found = [index for index, name in enumerate(header) if name == column]
    if len(found) != 1:
        often = "no column" if not found else "more than one column"
        raise MappingRefused(f"the file has {often} {column!r}; its first line names the columns")
    return found[0]


def _value(mapping: ValueColumns, cells: Sequence[str], region: str | None) -> Value | str:
    if sum(map(len, cells)) > LONGEST_CELL:
        return "value_too_long"
    if mapping.fields:
        return Value(
            "address", {field: text for field, text in zip(mapping.fields, cells, strict=True) if text}
        )
    if mapping.kind == "address":
        return Value.address(cells[0])
    return Value(mapping.kind, cells[0], region=region if mapping.kind == "phone" else None)
