"""Packed arrays are to the server what psycopg's lists are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.world import World
from vault_gateway import arrays

WITHOUT_NUL = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=300)
ROWS = st.lists(
    st.tuples(
        st.none() | WITHOUT_NUL,
        st.none() | st.binary(max_size=300),
        st.integers(-(2**31), 2**31 - 1),
        st.uuids(),
        st.binary(min_size=32, max_size=32),
        st.none() | st.dictionaries(WITHOUT_NUL, WITHOUT_NUL, max_size=3),
    ),
    max_size=20,
)


@given(rows=ROWS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_packed_arrives(world: World, rows: list[tuple[Any, ...]]) -> None:
    packed = [
        arrays.texts([row[0] for row in rows]),
        arrays.blobs([row[1] for row in rows]),
        arrays.integers([row[2] for row in rows]),
        arrays.uuids([row[3] for row in rows]),
        arrays.digests([row[4] for row in rows]),
        arrays.documents([row[5] for row in rows]),
    ]
    with world.admin() as conn:
        found = conn.execute(
            "select a, b, c, d, e, f::jsonb from unnest(%b::text[], %b::bytea[], %b::int[], %b::uuid[], %b::bytea[],"
            " %b::text[]) as t (a, b, c, d, e, f)",
            packed,
            binary=True,
        ).fetchall()
    assert [tuple(row.values()) for row in found] == rows


def test_a_number_that_is_too_long_is_refused() -> None:
    with pytest.raises(Exception, match="format requires"):
        arrays.integers([2**31])


def test_a_digest_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="not of 32 bytes"):
        arrays.digests([bytes(32), bytes(31)])
