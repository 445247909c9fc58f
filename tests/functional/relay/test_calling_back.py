"""The recipient calls back, without an extension, whoever had the parcel last."""

from __future__ import annotations

from datetime import datetime

from tests.functional.relay.conftest import (
    ASKED,
    Line,
    e164,
    short_lived,
)
from tests.world import TurnedClock, World


def test_the_recipient_calls_back_without_an_extension_and_reaches_the_courier(line: Line) -> None:
    assert line.call(line.recipient.phone).get_json() == ASKED
    line.call(line.courier_phone, line.extension)
    back = line.call(line.recipient.phone).get_json()
    assert (back["action"], back["destination"]) == ("connect", e164(line.courier_phone))
    assert back["display"] == line.number


def test_who_cannot_call_back_any_more_may_dial_another_parcels_extension(line: Line) -> None:
    line.call(line.courier_phone, line.extension)
    assert line.town.event(line.waybill_no, "at_station", station=line.town.station_slug).status_code == 201
    assert line.call(line.recipient.phone).get_json() == ASKED


def test_the_recipient_who_dials_the_own_extension_reaches_the_courier(line: Line) -> None:
    answer = line.call(line.recipient.phone, line.extension).get_json()
    assert (answer["action"], answer["destination"]) == ("connect", e164(line.courier_phone))


def test_calling_back_ends_a_day_after_the_call(line: Line, clock: TurnedClock) -> None:
    line.call(line.courier_phone, line.extension)
    clock.advance(hours=25)
    assert line.call(line.recipient.phone).get_json() == ASKED


def test_a_later_call_lets_the_recipient_call_back_for_longer_and_few_write_so(
    world: World, line: Line, clock: TurnedClock
) -> None:
    def known_until() -> datetime:
        row = world.row("select until from relay_callback where number = %s", (line.number,))
        return datetime.fromisoformat(str(row["until"]))

    with world.admin() as conn:
        conn.execute("delete from relay_callback where number = %s", (line.number,))
    line.call(line.courier_phone, line.extension)
    first = known_until()
    clock.advance(hours=11)
    line.call(line.courier_phone, line.extension)
    assert known_until() == first
    clock.advance(hours=12.9)
    line.call(line.courier_phone, line.extension)
    clock.advance(hours=0.2)
    back = line.call(line.recipient.phone).get_json()
    assert (back["action"], back["destination"]) == ("connect", e164(line.courier_phone))
    assert known_until() > first


def test_nobody_is_known_for_longer_than_the_number_lives(
    world: World, line: Line, clock: TurnedClock
) -> None:
    brief, written = short_lived(line, line.town.out_for_delivery(), hours=3), set()
    for _ in range(3):
        assert brief.call(line.courier_phone, brief.extension).get_json()["action"] == "connect"
        with world.admin() as conn:
            [row] = conn.execute(
                "select c.xmin::text, c.until = s.expires_at as till_the_end from relay_callback c"
                " join relay_slot s using (number, binding_id) where s.number = %s and s.dialled = %s",
                (brief.number, brief.extension.encode()),
            ).fetchall()
        assert row["till_the_end"]
        written.add(row["xmin"])
        clock.advance(minutes=50)
    assert len(written) == 1, "once, and not with each call"
