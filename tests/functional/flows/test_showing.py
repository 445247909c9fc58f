"""When a page of flows is shown anew, and by whom."""

from __future__ import annotations

from tests import canaries
from tests.functional.flows.books import (
    as_gateway,
    issue,
    show_now,
    total,
)
from tests.world import Town, TurnedClock, World
from vault_gateway.database import Database, patiently
from vault_gateway.flows.cutting import cut, due_pages
from vault_gateway.flows.showing import keep_showing
from vault_gateway.flows.store import fold


def test_a_page_is_not_shown_anew_within_a_minute(world: World, town: Town, clock: TurnedClock) -> None:
    someone = town.tokenize(canaries.person())
    issue(town, someone, 50)
    with as_gateway(world) as conn:
        keep_showing(conn, clock())
        first = total(town.merchant)
        issue(town, someone, 50)
        keep_showing(conn, clock())
        assert first == total(town.merchant) >= 32
        clock.advance(seconds=61)
        keep_showing(conn, clock())
    assert total(town.merchant) >= 82


def test_the_chore_has_time_and_gives_it_back(world: World) -> None:
    database: Database = world.app.extensions["database"]
    with database.connection() as conn:

        def limits() -> tuple[str, float]:
            row = conn.execute("show statement_timeout").fetchone()
            assert row is not None
            return row["statement_timeout"], vars(conn)["answers_within_s"]

        with patiently(conn, 60):
            assert limits() == ("1min", 62)
        assert limits() == ("5s", 7)


def test_a_page_is_cut_by_one_at_a_time(world: World, town: Town) -> None:
    """What has changed on it would else be added twice."""
    issue(town, town.tokenize(canaries.person()), 30)
    now = world.clock()
    with as_gateway(world) as one, as_gateway(world) as other:
        while fold(one):
            pass
        with one.transaction():
            pages = due_pages(one, now)
            with other.transaction():
                assert not {*pages} & {*due_pages(other, now)}
            cut(one, pages, now)
        with other.transaction():
            assert not {*pages} & {*due_pages(other, now)}
    show_now(world)
    assert 12 <= total(town.merchant) <= 30
