"""Records of relay numbers leave when their time is over: not a moment before, and not while they decide anything."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from tests.functional.relay.conftest import AFTER_SALES, COOLDOWN, Line
from tests.functional.relay.steps import contact
from tests.world import TurnedClock, World
from vault_gateway.relay.removing import remove_old
from vault_gateway.retention import Kept

# All together within the eight weeks for which partitions of the log are made ahead.
CALLS, BINDINGS, EXHAUSTED = timedelta(days=10), timedelta(days=10), timedelta(days=20)
KEPT = Kept(CALLS, BINDINGS, EXHAUSTED)
A_MINUTE = timedelta(minutes=1)


def remove(world: World, *, batch: int = 500) -> dict[str, int]:
    """As the gateway's own role does, beside its requests."""
    with world.app.extensions["database"].connection() as conn:
        return remove_old(conn, KEPT, world.clock, batch=batch)


def count(world: World, table: str, column: str, value: str | UUID) -> int:
    return int(world.row(f"select count(*) as n from {table} where {column} = %s", (value,))["n"])


def turn(clock: TurnedClock, delta: timedelta) -> None:
    clock.advance(seconds=delta.total_seconds())


def had_no_number(world: World, line: Line) -> UUID:
    """The pool had none left for the parcel, whose id this is."""
    row = world.row(
        "insert into relay_exhausted select tenant_id, id, %s from waybill where waybill_no = %s"
        " returning waybill_id",
        (world.clock(), line.waybill_no),
    )
    return UUID(str(row["waybill_id"]))


def test_a_call_and_its_records_stay_for_their_time_and_leave_then(
    world: World, line: Line, clock: TurnedClock
) -> None:
    call = f"kept-{line.extension}"
    assert line.call(line.courier_phone, line.extension, call_id=call).get_json()["action"] == "connect"
    assert line.record(call, "start").status_code == line.record(call, "end").status_code == 200
    turn(clock, CALLS - A_MINUTE)
    remove(world)
    assert (
        count(world, "relay_call", "call_id", call),
        count(world, "relay_call_event", "call_id", call),
    ) == (1, 2)
    turn(clock, 2 * A_MINUTE)
    assert remove(world)["calls"] >= 1
    assert (
        count(world, "relay_call", "call_id", call),
        count(world, "relay_call_event", "call_id", call),
    ) == (0, 0)


def test_a_call_of_which_a_failure_was_told_late_counts_from_then(
    world: World, line: Line, clock: TurnedClock
) -> None:
    call = f"late-{line.extension}"
    line.call(line.courier_phone, line.extension, call_id=call)
    turn(clock, CALLS + A_MINUTE)
    assert line.record(call, "failed").status_code == 200
    remove(world)
    assert count(world, "relay_call", "call_id", call) == 1


def test_a_binding_stays_while_it_lives_and_rests_and_for_its_time(
    world: World, line: Line, clock: TurnedClock
) -> None:
    assert line.town.event(line.waybill_no, "delivered").status_code == 201
    for stage in (timedelta(), AFTER_SALES, COOLDOWN, BINDINGS - 2 * A_MINUTE):
        turn(clock, stage)
        remove(world)
        assert count(world, "relay_binding", "waybill_no", line.waybill_no) == 1
    turn(clock, 3 * A_MINUTE)
    assert remove(world)["bindings"] >= 1
    assert count(world, "relay_binding", "waybill_no", line.waybill_no) == 0


def test_a_number_that_rests_is_nobodys_whatever_is_removed(
    world: World, line: Line, clock: TurnedClock
) -> None:
    assert line.town.event(line.waybill_no, "delivered").status_code == 201
    turn(clock, AFTER_SALES + COOLDOWN - A_MINUTE)
    remove(world)
    assert line.call(line.courier_phone, line.extension).get_json()["reason"] == "expired"


def test_what_a_parcel_on_its_way_had_is_never_forgotten(
    world: World, line: Line, clock: TurnedClock
) -> None:
    """Where a parcel never had a number the courier may see the phone: its bindings say that it had one."""
    binding = line.call(line.courier_phone, line.extension).get_json()["binding_id"]
    assert line.town.merchant.delete(f"/v1/relay/bindings/{binding}").status_code == 204
    turn(clock, COOLDOWN + BINDINGS + timedelta(days=5))
    assert (
        line.town.event(line.waybill_no, "out_for_delivery", courier=line.town.courier.name).status_code
        == 201
    )
    remove(world)
    assert count(world, "relay_binding", "waybill_no", line.waybill_no) == 1
    assert contact(line) == (403, "contact_closed")


def test_that_there_was_no_number_stays_while_it_opens_the_phone(
    world: World, line: Line, clock: TurnedClock
) -> None:
    binding = line.call(line.courier_phone, line.extension).get_json()["binding_id"]
    assert line.town.merchant.delete(f"/v1/relay/bindings/{binding}").status_code == 204
    waybill = had_no_number(world, line)
    turn(clock, EXHAUSTED + A_MINUTE)
    assert (
        line.town.event(line.waybill_no, "out_for_delivery", courier=line.town.courier.name).status_code
        == 201
    )
    remove(world)
    assert contact(line)[0] == 201
    assert line.town.event(line.waybill_no, "delivered").status_code == 201
    remove(world)
    assert count(world, "relay_exhausted", "waybill_id", waybill) == 0


def test_that_there_was_no_number_stays_for_its_time(world: World, line: Line, clock: TurnedClock) -> None:
    waybill = had_no_number(world, line)
    assert line.town.event(line.waybill_no, "delivered").status_code == 201
    turn(clock, EXHAUSTED - A_MINUTE)
    remove(world)
    assert count(world, "relay_exhausted", "waybill_id", waybill) == 1
    turn(clock, 2 * A_MINUTE)
    remove(world)
    assert count(world, "relay_exhausted", "waybill_id", waybill) == 0


@pytest.mark.parametrize("batch", [1, 2])
def test_small_batches_walk_past_what_has_to_stay(
    world: World, line: Line, clock: TurnedClock, batch: int
) -> None:
    numbers = [line.town.waybill(relay=True) for _ in range(4)]
    for waybill_no in (numbers[1], numbers[3]):
        assert line.town.merchant.post(f"/v1/waybills/{waybill_no}/cancel").status_code == 200
    turn(clock, timedelta(days=200))
    remove(world, batch=batch)
    left = [count(world, "relay_binding", "waybill_no", waybill_no) for waybill_no in numbers]
    assert left == [1, 0, 1, 0]
    assert remove(world, batch=batch) == {"calls": 0, "bindings": 0, "exhausted": 0}
