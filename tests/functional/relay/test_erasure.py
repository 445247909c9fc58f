"""A phone that is erased takes its relay numbers with it, at once and in both directions."""

from __future__ import annotations

from typing import Any

from tests import canaries
from tests.functional.relay.conftest import ON_THE_WAY, Line, add_numbers
from tests.functional.relay.steps import bind_pair
from tests.world import TurnedClock, World


def erase_recipient(line: Line) -> None:
    asked = {"kind": "phone", "value": line.recipient.phone}
    [found] = line.town.merchant.post("/v1/tokens/search", asked).get_json()["items"]
    assert line.town.merchant.delete(f"/v1/tokens/{found['token']}").status_code == 204


def pair_of(world: World, line: Line) -> Line:
    add_numbers(world, line.telecom, 1, "axb")
    status, body = bind_pair(line.town.courier, line.waybill_no)
    assert status == 201, body
    return Line(
        line.town, line.telecom, line.recipient, line.courier_phone, line.waybill_no, body["number"], ""
    )


def test_with_the_recipients_phone_its_numbers_are_closed_and_rest(world: World, line: Line) -> None:
    pair = pair_of(world, line)
    line.call(line.courier_phone, line.extension)
    erase_recipient(line)
    for answer in (
        line.call(line.courier_phone, line.extension),
        pair.call(line.courier_phone),
        pair.call(line.recipient.phone),
    ):
        assert answer.get_json() == {"action": "reject", "reason": "cooling"}
    # Nothing is left by which the recipient was known when calling back.
    assert line.call(line.recipient.phone).get_json()["action"] == "ask_extension"
    view = line.town.merchant.get(f"/v1/waybills/{line.waybill_no}").get_json()
    assert "relay" not in view
    with world.admin() as conn:
        rows = conn.execute(
            "select b.released, b.cool_until - b.expires_at = interval '30 days' as rests, s.released as closed"
            " from relay_binding b join relay_slot s on s.binding_id = b.id where b.waybill_no = %s",
            (line.waybill_no,),
        ).fetchall()
    assert rows == [{"released": True, "rests": True, "closed": True}] * 3


def test_a_number_whose_time_has_run_out_is_closed_too_and_comes_back_no_more(
    world: World, line: Line, clock: TurnedClock
) -> None:
    clock.advance(seconds=ON_THE_WAY.total_seconds() - 60)
    line.call(line.courier_phone, line.extension)
    clock.advance(minutes=2)
    kept = rests(world, line)
    erase_recipient(line)
    assert line.town.event(line.waybill_no, "in_transit").status_code == 201
    answer = line.call(line.courier_phone, line.extension).get_json()
    assert answer == {"action": "reject", "reason": "cooling"}
    assert "relay" not in line.town.merchant.get(f"/v1/waybills/{line.waybill_no}").get_json()
    assert rests(world, line) == kept, "it rests since its time ran out"
    with world.admin() as conn:
        row = conn.execute(
            "select count(*) as kept from relay_callback c join relay_binding b on b.id = c.binding_id"
            " where b.waybill_no = %s",
            (line.waybill_no,),
        ).fetchone()
    assert row == {"kept": 0}


def rests(world: World, line: Line) -> list[dict[str, Any]]:
    """Since when and until when, as the binding and its end say."""
    with world.admin() as conn:
        return conn.execute(
            "select b.expires_at, b.cool_until, s.expires_at as ends, s.cool_until as given_back"
            " from relay_binding b join relay_slot s on s.binding_id = b.id where b.waybill_no = %s",
            (line.waybill_no,),
        ).fetchall()


def test_the_wall_stands_where_it_stood_after_numbers_of_other_merchants_were_closed(
    world: World, line: Line
) -> None:
    """A courier's phone is at the end of merchants' pairs; the courier's own row is written behind them."""
    pair = pair_of(world, line)
    new = canaries.phone()
    line.town.register_courier(new)
    # The phone that was the courier's reaches nobody, and is reached by nobody.
    for caller in (line.courier_phone, line.recipient.phone):
        assert pair.call(caller).get_json() == {"action": "reject", "reason": "cooling"}
    assert line.call(line.recipient.phone, line.extension).get_json()["destination"] == f"+86{new}"


def test_a_courier_who_is_removed_reaches_the_recipient_no_more(world: World, line: Line) -> None:
    pair = pair_of(world, line)
    assert line.town.carrier.delete(f"/v1/couriers/{line.town.courier.name}").status_code == 204
    assert pair.call(line.courier_phone).get_json() == {"action": "reject", "reason": "cooling"}


def test_another_parcels_number_stays(line: Line) -> None:
    other = canaries.person()
    relay = line.town.new_waybill(line.town.tokenize(other), relay=True)["relay"]
    erase_recipient(line)
    answer = line.call(canaries.phone(), relay["extension"], called=relay["number"]).get_json()
    assert answer["destination"] == other.e164
