"""Days of flows are closed when they are past their time, and what was shown of them stands until it leaves."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tests import canaries
from tests.functional.flows.books import as_gateway, issue, show_now, total
from tests.world import Town, World
from vault_gateway.flows.removing import remove_old
from vault_gateway.flows.spans import FIRST
from vault_gateway.flows.store import fold
from vault_gateway.retention import FlowsKept

KEPT = FlowsKept(counted=timedelta(days=180), shown=timedelta(days=1100))
MANY = 40


def issued_on(world: World, town: Town, day: date) -> list[str]:
    """As if they had been made then."""
    numbers = issue(town, town.tokenize(canaries.person()), MANY)
    with world.admin() as conn:
        conn.execute(
            """
            update flow_parcel set day = %s
            where waybill_id in (select waybill_id from waybill_directory where waybill_no = any(%s))
            """,
            (day, numbers),
        )
        conn.execute(
            "update flow_delta set day = %s where carrier = %s and day > %s",
            (day, town.carrier_slug, world.clock().date() - timedelta(days=2)),
        )
    return numbers


def remove(world: World, batch: int = 1000) -> dict[str, int]:
    with as_gateway(world) as conn:
        return remove_old(conn, KEPT, world.clock, batch=batch)


def shown(town: Town, day: date, **more: str) -> int:
    return total(town.carrier, **{"from": str(day), "to": str(day), **more})


def left(world: World, table: str, day: date) -> int:
    return int(world.row(f"select count(*) as n from {table} where day = %s", (day,))["n"])


@pytest.mark.parametrize("batch", [7, 1000])
def test_a_closed_day_keeps_what_was_shown_and_nothing_else(world: World, town: Town, batch: int) -> None:
    day = world.clock().date() - KEPT.counted - timedelta(days=batch % 100 + 5)
    numbers = issued_on(world, town, day)
    show_now(world)
    # Finer cells may withhold more.
    before = shown(town, day), shown(town, day, state="created")
    assert before[0] >= before[1] > 0
    remove(world, batch)
    assert [left(world, table, day) for table in ("flow_parcel", "flow_page", "flow_cell")] == [0, 0, 0]
    for number in numbers:
        assert town.event(number, "accepted").status_code == 201
    show_now(world)
    assert (shown(town, day), shown(town, day, state="created")) == before
    assert shown(town, day, state="accepted") == 0


def test_a_day_stands_for_its_time(world: World, town: Town) -> None:
    day = world.clock().date() - KEPT.counted + timedelta(days=1)
    issued_on(world, town, day)
    show_now(world)
    remove(world)
    assert left(world, "flow_parcel", day) == MANY


def test_exact_counts_leave_a_day_after_their_parcels(world: World, town: Town) -> None:
    """Somebody may have looked a parcel up before it was removed, and not have counted it yet."""
    day = world.clock().date() - KEPT.counted
    issued_on(world, town, day)
    show_now(world)
    remove(world)
    assert left(world, "flow_parcel", day) == 0
    assert left(world, "flow_cell", day) >= 4


def test_what_is_not_shown_yet_is_shown_first(world: World, town: Town) -> None:
    day = world.clock().date() - KEPT.counted - timedelta(days=9)
    issued_on(world, town, day)
    remove(world)
    with as_gateway(world) as conn:
        while fold(conn):
            pass
    remove(world)
    # Of the merchant, the platform, the carrier and of all.
    assert left(world, "flow_cell", day) >= 4
    show_now(world)
    remove(world)
    assert left(world, "flow_cell", day) == 0
    assert shown(town, day) >= 10


def test_what_was_shown_leaves_by_whole_spans(world: World, town: Town) -> None:
    last = world.clock().date() - KEPT.shown
    begins = last - timedelta(days=(last - FIRST).days % 64)
    issued_on(world, town, begins)
    show_now(world)
    issued_on(world, town, begins - timedelta(days=1))
    show_now(world)
    stands, goes = shown(town, begins), shown(town, begins - timedelta(days=1))
    assert min(stands, goes) >= 10
    remove(world)
    assert (shown(town, begins), shown(town, begins - timedelta(days=1))) == (stands, 0)
    around = {"from": str(begins - timedelta(days=64)), "to": str(begins + timedelta(days=63))}
    assert total(town.carrier, **around) == stands


def test_removing_again_finds_nothing(world: World) -> None:
    show_now(world)
    remove(world)
    assert remove(world) == {"parcels": 0, "pages": 0, "books": 0}
