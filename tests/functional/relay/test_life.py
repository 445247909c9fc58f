"""Where a parcel's number comes from, and what outlives it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests import canaries
from tests.functional.relay.conftest import AFTER_SALES, COOLDOWN, ON_THE_WAY, Line, short_lived
from tests.policies import policies_with
from tests.pool import add_numbers, no_numbers, retire_numbers
from tests.world import TurnedClock, World, unique
from vault_gateway.relay import service


@pytest.fixture
def alone(world: World, line: Line) -> Iterator[list[str]]:
    """Three numbers with one place each and none besides: of the recipients' city, of their province, of nowhere."""
    telecom = unique("telecom")
    with no_numbers(world, "extension"):
        yield [
            number
            for region in ("杭州市", "浙江省", None)
            for number in add_numbers(world, telecom, 1, "extension", region=region, places=1)
        ]
        retire_numbers(world, telecom)


def test_the_recipients_city_comes_first_then_the_province_then_anywhere(
    line: Line, alone: list[str]
) -> None:
    given = []
    for _ in range(4):
        relay = line.town.new_waybill(relay=True)["relay"]
        given.append(relay.get("number") or relay["error"]["code"])
    assert given == [*alone, "relay_pool_exhausted"]


def test_a_call_in_progress_outlives_the_number(line: Line, clock: TurnedClock) -> None:
    clock.advance(seconds=ON_THE_WAY.total_seconds() - 60)
    call = f"over-{line.extension}"
    made = line.call(line.courier_phone, line.extension, call_id=call).get_json()
    assert made["max_seconds"] == 3600
    assert line.record(call, "answer").status_code == 200
    clock.advance(minutes=10)
    assert line.call(line.courier_phone, line.extension).get_json()["reason"] == "expired"
    assert line.record(call, "end").status_code == 200
    [seen] = line.town.merchant.get(f"/v1/relay/bindings/{made['binding_id']}").get_json()["calls"]
    assert 599 <= seen["seconds"] <= 660


def asked(line: Line) -> str:
    answer = line.call(canaries.phone(), line.extension).get_json()
    return str(answer.get("reason", answer["action"]))


def test_a_parcel_that_waits_keeps_its_number(line: Line, clock: TurnedClock) -> None:
    """At a counter, or before it is sent: nothing is heard of it for weeks."""
    clock.advance(seconds=ON_THE_WAY.total_seconds() - 60)
    assert asked(line) == "connect"
    assert line.town.event(line.waybill_no, "failed_attempt").status_code == 201
    clock.advance(days=20)
    assert asked(line) == "connect"


def test_a_number_lives_until_delivery_is_due(
    world: World, line: Line, clock: TurnedClock, tmp_path: Path
) -> None:
    folder = policies_with(tmp_path / "policies")
    rules = folder / "retention.yaml"
    rules.write_text(
        rules.read_text("utf-8").replace("on_the_way_days: 30", "on_the_way_days: 7"), encoding="utf-8"
    )
    brief = world.gateway(policies=folder)
    merchant, carrier = (replace(who, app=brief) for who in (line.town.merchant, line.town.carrier))
    town = replace(line.town, merchant=merchant, carrier=carrier)
    view = town.new_waybill(town.tokenize(line.recipient), relay=True)
    second = replace(line, number=view["relay"]["number"], extension=view["relay"]["extension"])
    due = (clock() + timedelta(days=13)).isoformat()
    town.hand_to_courier(view["waybill_no"], deliver_by=due)
    clock.advance(days=12)
    assert asked(second) == "connect"
    clock.advance(days=2)
    assert asked(second) == "expired"
    brief.extensions["database"].close()


def test_a_parcel_that_is_heard_of_again_has_its_number_again(
    line: Line, clock: TurnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "LONGEST", timedelta(days=40))
    clock.advance(seconds=ON_THE_WAY.total_seconds() + 60)
    assert asked(line) == "expired"
    assert line.town.event(line.waybill_no, "in_transit").status_code == 201
    assert asked(line) == "connect"
    view = line.town.merchant.get(f"/v1/waybills/{line.waybill_no}").get_json()
    assert (view["relay"]["number"], view["relay"]["extension"]) == (line.number, line.extension)
    # And not for ever: a time after it was given it rests, whatever is heard.
    assert line.town.event(line.waybill_no, "at_station", station=line.town.station_slug).status_code == 201
    clock.advance(days=10)
    assert asked(line) == "expired"
    assert line.town.event(line.waybill_no, "in_transit").status_code == 201
    assert asked(line) == "expired"


@pytest.mark.parametrize("hours", [12, 66, 1000])
def test_after_delivery_a_number_connects_for_the_after_sales_time_and_no_longer(
    line: Line, clock: TurnedClock, hours: int
) -> None:
    """Whether its time has run out, or had less left, or more."""
    brief = short_lived(line, line.town.out_for_delivery(), hours=hours)
    clock.advance(hours=18)
    assert line.town.event(brief.waybill_no, "delivered").status_code == 201
    clock.advance(seconds=AFTER_SALES.total_seconds() - 60)
    assert asked(brief) == "connect"
    clock.advance(seconds=120)
    assert asked(brief) == "expired"


@pytest.mark.parametrize("hours", [12, 30, 1000])
def test_a_return_brings_no_number_back_and_lengthens_none(
    line: Line, clock: TurnedClock, hours: int
) -> None:
    brief = short_lived(line, line.town.out_for_delivery(), hours=hours)
    clock.advance(hours=18)
    before = asked(brief)
    assert line.town.event(brief.waybill_no, "returned").status_code == 201
    assert asked(brief) == before
    clock.advance(seconds=min(hours - 18, AFTER_SALES.total_seconds() / 3600) * 3600 + 60)
    assert asked(brief) == "expired"


def test_no_delivery_keeps_a_number_beyond_its_longest_time(
    line: Line, clock: TurnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "LONGEST", timedelta(hours=30))
    clock.advance(hours=20)
    assert line.town.event(line.waybill_no, "delivered").status_code == 201
    clock.advance(hours=9)
    assert asked(line) == "connect"
    clock.advance(hours=2)
    assert asked(line) == "expired"


def test_asking_for_a_number_brings_back_the_one_on_the_label(line: Line, clock: TurnedClock) -> None:
    clock.advance(seconds=ON_THE_WAY.total_seconds() + 60)
    again = line.town.merchant.post("/v1/relay/bindings", {"waybill_no": line.waybill_no})
    assert (again.get_json()["number"], again.get_json()["extension"]) == (line.number, line.extension)
    assert asked(line) == "connect"


@pytest.mark.parametrize("closed_first", [True, False])
def test_a_number_that_was_closed_is_never_revived(
    line: Line, clock: TurnedClock, *, closed_first: bool
) -> None:
    binding = line.call(line.courier_phone, line.extension).get_json()["binding_id"]
    if not closed_first:
        clock.advance(seconds=ON_THE_WAY.total_seconds() + 60)
    assert line.town.merchant.delete(f"/v1/relay/bindings/{binding}").status_code == 204
    if closed_first:
        clock.advance(days=1)
    assert line.town.event(line.waybill_no, "in_transit").status_code == 201
    assert asked(line) == "cooling"
    other = line.town.merchant.post("/v1/relay/bindings", {"waybill_no": line.waybill_no}).get_json()
    assert (other["number"], other["extension"]) != (line.number, line.extension)


def test_a_number_that_has_rested_is_never_revived(line: Line, clock: TurnedClock) -> None:
    """Somebody else may have it the next moment."""
    brief = short_lived(line, line.town.waybill(), days=1)
    clock.advance(seconds=COOLDOWN.total_seconds() + 2 * 86400)
    assert line.town.event(brief.waybill_no, "accepted").status_code == 201
    assert asked(brief) == "no_binding"


def test_a_revived_number_reaches_whom_the_parcel_is_for_now(line: Line, clock: TurnedClock) -> None:
    former, new = canaries.person(), canaries.person()
    view = line.town.new_waybill(line.town.tokenize(former), relay=True)
    clock.advance(seconds=ON_THE_WAY.total_seconds() + 60)
    recipient = line.town.tokenize(new).as_recipient()
    path = f"/v1/waybills/{view['waybill_no']}"
    assert line.town.merchant.patch(path, {"recipient": recipient}).status_code == 200
    assert line.town.event(view["waybill_no"], "accepted").status_code == 201
    answer = line.call(
        canaries.phone(), view["relay"]["extension"], called=view["relay"]["number"]
    ).get_json()
    assert answer["destination"] == new.e164
