"""PostgreSQL arrays in their binary form, for `unnest`: half of the time that psycopg takes for a list.

psycopg looks at each element for its type. Here the caller says it, by the function; the statement says it again, by a
cast (`%b::uuid[]`), from which the server knows what the bytes are.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from uuid import UUID

import orjson
import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

# Of the elements, as pg_type.dat has them.
_BYTEA, _INTEGER, _TEXT, _UUID = 17, 23, 25, 2950

_number = struct.Struct(">i").pack
_NULL = _number(-1)
_LENGTHS = [_number(length) for length in range(256)]
# One dimension, whether there may be NULLs, the elements' type, how many, and the first one's number.
_head = struct.Struct(">iiIii").pack


class Array(bytes):
    """What the server's `array_recv` reads."""


class _AsItIs(Dumper):
    format = Format.BINARY
    oid = 0

    def dump(self, obj: Array) -> Array:
        return obj


psycopg.adapters.register_dumper(Array, _AsItIs)


def texts(values: Sequence[str | None]) -> Array:
    return _mixed(_TEXT, [None if value is None else value.encode() for value in values])


def documents(values: Sequence[Mapping[str, str] | None]) -> Array:
    """Texts of JSON: `%b::text[]`, and each a jsonb by a cast of its own."""
    return _mixed(_TEXT, [None if value is None else orjson.dumps(value) for value in values])


def blobs(values: Sequence[bytes | None]) -> Array:
    return _mixed(_BYTEA, values)


def digests(values: Sequence[bytes]) -> Array:
    """Blobs of 32 bytes each."""
    return _alike(_BYTEA, 32, values)


def integers(values: Sequence[int]) -> Array:
    """Of 32 bits."""
    return _alike(_INTEGER, 4, [_number(value) for value in values])


def uuids(values: Sequence[UUID]) -> Array:
    return _alike(_UUID, 16, [value.bytes for value in values])


def _alike(element: int, length: int, values: Sequence[bytes]) -> Array:
    """Elements of one length, none of them NULL."""
    if not {*map(len, values)} <= {length}:
        raise ValueError(f"not of {length} bytes")
    before = _LENGTHS[length]
    return Array(before.join([_head(1, 1, element, len(values), 1), *values]))


def _mixed(element: int, values: Sequence[bytes | None]) -> Array:
    parts = [_head(1, 1, element, len(values), 1)]
    for value in values:
        if value is None:
            parts.append(_NULL)
        else:
            length = len(value)
            parts += (_LENGTHS[length] if length < 256 else _number(length), value)
    return Array(b"".join(parts))
