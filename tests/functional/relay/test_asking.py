"""Asking for a number again: the same request, another end, a lost answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests import canaries
from tests.functional.relay.conftest import Line, add_numbers
from tests.pool import no_numbers
from tests.world import Actor, TurnedClock, World, unique
from vault_gateway.relay.service import LONGEST


def ask(who: Actor, waybill_no: str, mode: str, *, key: str | None = None, **more: Any) -> TestResponse:
    headers = {} if key is None else {"Idempotency-Key": key}
    body = {"waybill_no": waybill_no, "mode": mode, **more}
    return who.post("/v1/relay/bindings", body, headers=headers)


def in_days(clock: TurnedClock, days: float) -> str:
    return (clock() + timedelta(days=days)).isoformat()


def bindings_of(world: World, waybill_no: str, mode: str) -> int:
    return int(
        world.row(
            "select count(*)::int as n from relay_binding where waybill_no = %s and mode = %s",
            (waybill_no, mode),
        )["n"]
    )


@pytest.mark.parametrize("mode", ["extension", "axb"])
def test_a_repeated_request_gets_the_first_answer(
    world: World, line: Line, clock: TurnedClock, mode: str
) -> None:
    add_numbers(world, line.telecom, 3, "axb")
    town = line.town
    who = town.courier if mode == "axb" else town.merchant
    waybill_no = town.out_for_delivery() if mode == "extension" else line.waybill_no
    body = {"key": unique("key"), "expires_at": in_days(clock, 5)}
    first = ask(who, waybill_no, mode, **body)
    assert first.status_code == 201, first.text
    # What happens meanwhile changes nothing of what was answered.
    assert town.event(waybill_no, "out_for_delivery", courier=town.courier.name).status_code == 201
    again = ask(who, waybill_no, mode, **body)
    assert (again.status_code, again.get_json()) == (201, first.get_json())
    now = ask(who, waybill_no, mode).get_json()
    assert now["binding_id"] == first.get_json()["binding_id"]
    assert now["expires_at"] > first.get_json()["expires_at"]
    assert bindings_of(world, waybill_no, mode) == 1
    other = ask(who, waybill_no, mode, key=body["key"])
    assert (other.status_code, other.get_json()["code"]) == (422, "idempotency_key_reused")


def test_a_pair_asked_for_at_once_is_one_pair(world: World, line: Line, clock: TurnedClock) -> None:
    add_numbers(world, line.telecom, 6, "axb")
    body = {"key": unique("key"), "expires_at": in_days(clock, 5)}
    with ThreadPoolExecutor(6) as threads:
        asked = [threads.submit(ask, line.town.courier, line.waybill_no, "axb", **body) for _ in range(6)]
        answers = [one.result() for one in asked]
    made = [answer.get_json() for answer in answers if answer.status_code == 201]
    late = {answer.get_json()["code"] for answer in answers if answer.status_code != 201}
    assert made.count(made[0]) == len(made)
    assert late <= {"request_in_flight"}
    assert bindings_of(world, line.waybill_no, "axb") == 1
    assert ask(line.town.courier, line.waybill_no, "axb", **body).get_json() == made[0]


def test_that_there_was_no_number_is_asked_anew(world: World, line: Line) -> None:
    waybill_no, key = line.town.waybill(), unique("key")
    with no_numbers(world, "extension"):
        for _ in range(2):
            assert ask(line.town.merchant, waybill_no, "extension", key=key).status_code == 503
    assert ask(line.town.merchant, waybill_no, "extension", key=key).status_code == 201


@pytest.mark.parametrize("mode", ["extension", "axb"])
@pytest.mark.parametrize("days", [1, 50])
def test_a_live_number_ends_when_it_is_wished_to(
    world: World, line: Line, clock: TurnedClock, auditor: Actor, mode: str, days: int
) -> None:
    add_numbers(world, line.telecom, 3, "axb")
    who = line.town.courier if mode == "axb" else line.town.merchant
    first = ask(who, line.waybill_no, mode).get_json()
    wished = in_days(clock, days)
    moved = ask(who, line.waybill_no, mode, expires_at=wished)
    assert moved.status_code == 201, moved.text
    assert moved.get_json() == {**first, "expires_at": moved.get_json()["expires_at"]}, (
        "no other number is used up"
    )
    ends = datetime.fromisoformat(moved.get_json()["expires_at"])
    assert abs(ends - datetime.fromisoformat(wished)) < timedelta(seconds=1)
    [event] = auditor.get(f"/v1/audit/events?action=relay.bind&waybill={line.waybill_no}&limit=1").get_json()[
        "items"
    ]
    assert (event["outcome"], event["detail"]["mode"]) == ("allow", mode)
    clock.advance(days=days, minutes=-1)
    reached = line.call(line.courier_phone, first.get("extension"), called=first["number"]).get_json()
    assert reached["action"] == "connect"
    clock.advance(minutes=2)
    reached = line.call(line.courier_phone, first.get("extension"), called=first["number"]).get_json()
    assert reached["reason"] == "expired"


def test_an_end_that_was_wished_for_holds_until_the_next_event(line: Line, clock: TurnedClock) -> None:
    assert (
        ask(line.town.merchant, line.waybill_no, "extension", expires_at=in_days(clock, 1)).status_code == 201
    )
    assert line.town.event(line.waybill_no, "failed_attempt").status_code == 201
    clock.advance(days=2)
    assert line.call(canaries.phone(), line.extension).get_json()["action"] == "connect"


def test_no_number_serves_for_longer_than_the_longest(line: Line, clock: TurnedClock) -> None:
    clock.advance(days=2)
    late = in_days(clock, LONGEST.days - 1)
    refused = ask(line.town.merchant, line.waybill_no, "extension", expires_at=late)
    assert (refused.status_code, refused.get_json()["code"]) == (422, "expires_at_invalid")
    assert line.call(canaries.phone(), line.extension).get_json()["action"] == "connect"
