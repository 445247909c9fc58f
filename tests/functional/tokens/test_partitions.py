"""Partitions of the token table are always weeks ahead, and where one is missing no write is lost in silence."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client import REGISTRY
from psycopg import sql

from tests import canaries
from tests.functional.tokens.keyed import NOTHING, body_of, keyed, traces
from tests.world import Town, TurnedClock, World, unique
from vault_gateway.database import Connection, Database
from vault_gateway.errors import GatewayError
from vault_gateway.housekeeping import Chore, tidy_up
from vault_gateway.tokens.store import WEEKS_AHEAD, keep_partitions_ahead


@pytest.fixture
def database(world: World) -> Iterator[Database]:
    database = Database(world.settings.database_url, max_connections=4)
    database.open()
    yield database
    database.close()


def weeks_ahead(world: World) -> int:
    return int(world.row("select token_weeks_ahead() as weeks")["weeks"])


def drop_last(world: World, count: int) -> None:
    """As if that many weeks had passed without anyone making new ones."""
    with world.admin() as conn:
        names = conn.execute(
            "select relname from pg_inherits join pg_class on pg_class.oid = inhrelid"
            " where inhparent = 'token'::regclass order by relname desc limit %s",
            (count,),
        ).fetchall()
        for row in names:
            conn.execute(sql.SQL("drop table {}").format(sql.Identifier(row["relname"])))


def test_a_gateway_makes_what_is_missing_when_it_starts(world: World) -> None:
    drop_last(world, 7)
    assert weeks_ahead(world) == 1
    assert world.app.test_client().get("/readyz").status_code == 503
    app = world.gateway()
    deadline = time.monotonic() + 5
    while weeks_ahead(world) < WEEKS_AHEAD:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert app.test_client().get("/readyz").status_code == 200


def test_two_weeks_ahead_are_enough_to_be_ready(world: World, database: Database) -> None:
    drop_last(world, 6)
    try:
        assert weeks_ahead(world) == 2
        assert world.app.test_client().get("/readyz").status_code == 200
    finally:
        with database.connection() as conn:
            keep_partitions_ahead(conn)


def test_many_processes_may_make_them_at_once(world: World, database: Database) -> None:
    drop_last(world, 5)

    def make(_: int) -> None:
        with database.connection() as conn:
            keep_partitions_ahead(conn)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(make, range(8)))
    assert weeks_ahead(world) == WEEKS_AHEAD


def test_making_them_waits_for_no_request_and_no_request_for_it(
    world: World, town: Town, database: Database
) -> None:
    drop_last(world, 3)
    with database.connection() as busy, busy.transaction():
        busy.execute("select count(*) from token")
        busy.execute("update token set masked = masked where false")
        with database.connection() as conn, conn.transaction():
            conn.execute("set local lock_timeout = '200ms'")
            keep_partitions_ahead(conn)
            # Not yet committed, and tokens are made all the same.
            town.tokenize(canaries.person())
    assert weeks_ahead(world) == WEEKS_AHEAD


def test_a_new_partition_has_the_indexes_and_checks_of_the_table(world: World, database: Database) -> None:
    drop_last(world, 1)
    with database.connection() as conn:
        keep_partitions_ahead(conn)
    with world.admin() as conn:
        rows = conn.execute(
            "select (select count(*) from pg_index where indrelid = c.oid) as indexes,"
            " (select count(*) from pg_constraint where conrelid = c.oid and contype = 'c') as checks"
            " from pg_class c where oid in (select inhrelid from pg_inherits where inhparent = 'token'::regclass)"
        ).fetchall()
    assert {(row["indexes"], row["checks"]) for row in rows} == {(5, 4)}


def test_without_a_partition_the_write_is_refused_and_nothing_is_left(
    world: World, town: Town, clock: TurnedClock
) -> None:
    key, order = unique("k"), unique("O")
    body = body_of(order)
    clock.advance(weeks=WEEKS_AHEAD + 3)
    answer = keyed(town.merchant, key, body)
    assert (answer.status_code, answer.get_json()["code"]) == (500, "internal")
    assert not list(canaries.leaks(answer.data))
    assert traces(world, order, key) == NOTHING
    clock.advance(weeks=-WEEKS_AHEAD - 3)
    assert keyed(town.merchant, key, body).status_code == 207


def divides_by_zero_in_the_database(conn: Connection) -> None:
    conn.execute("select 1 / 0")


def finds_nothing(_: Connection) -> None:
    raise LookupError(canaries.phone())


@pytest.mark.parametrize("broken", [divides_by_zero_in_the_database, finds_nothing])
def test_a_chore_that_fails_is_counted_and_keeps_the_others_from_nothing(
    database: Database, broken: Chore
) -> None:
    def failures() -> float:
        labels = {"chore": "broken"}
        return REGISTRY.get_sample_value("vault_gateway_housekeeping_failures_total", labels) or 0.0

    done: list[str] = []
    before = failures()
    tidy_up(database, {"broken": broken, "sound": lambda conn: done.append("sound")})
    assert done == ["sound"]
    assert failures() == before + 1


@pytest.mark.parametrize("weeks", [0, 105, -1])
def test_nobody_makes_partitions_without_end(database: Database, weeks: int) -> None:
    with pytest.raises(GatewayError), database.connection() as conn:
        conn.execute("select ensure_token_partitions(%s)", (weeks,))
