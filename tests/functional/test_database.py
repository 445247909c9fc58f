"""Cursors are used again once nobody holds them, and never before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.world import World
from vault_gateway.database import Connection


@pytest.fixture
def conn(world: World) -> Iterator[Connection]:
    with world.app.extensions["database"].connection() as conn:
        yield conn


def test_results_that_are_held_stay(conn: Connection) -> None:
    one = conn.execute("select 1 as x")
    two = conn.execute("select %s::integer as x", (2,), binary=True)
    three = conn.execute("select 3 as x")
    assert [cursor.fetchone() for cursor in (one, two, three)] == [{"x": 1}, {"x": 2}, {"x": 3}]


def test_rows_are_read_while_others_are_asked_for(conn: Connection) -> None:
    seen = []
    for row in conn.execute("select x from generate_series(1, 5) as x"):
        conn.execute("select 0 as x")
        seen.append(row["x"])
    assert seen == [1, 2, 3, 4, 5]


def test_binary_holds_for_one_statement(conn: Connection) -> None:
    formats = []
    for binary in (True, False, True):
        cursor = conn.execute("select 1 as x", binary=binary)
        assert cursor.pgresult is not None
        formats.append(cursor.pgresult.fformat(0))
    assert formats == [1, 0, 1]


def test_after_an_error_a_connection_goes_on(conn: Connection) -> None:
    with pytest.raises(Exception, match="division by zero"):
        conn.execute("select 1 / %s::integer as x", (0,))
    assert conn.execute("select 1 as x").fetchone() == {"x": 1}


def test_a_large_result_does_not_stay_with_an_idle_connection(world: World) -> None:
    database = world.app.extensions["database"]
    with database.connection() as conn:
        conn.execute("select x from generate_series(1, 5000) as x").fetchall()
    assert conn._spare is None
    with database.connection() as conn:
        conn.execute("select 1 as x").fetchall()
    assert conn._spare.rowcount == 1
