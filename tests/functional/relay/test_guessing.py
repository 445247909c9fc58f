"""Strangers who try extensions out are locked; nobody else is."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests import canaries
from tests.functional.relay.conftest import Line, add_numbers, wrong
from tests.functional.relay.steps import bind_pair
from tests.functional.serve.outside import start_redis
from tests.world import Actor, World
from vault_gateway import metrics
from vault_gateway.relay import guessing
from vault_gateway.relay.store.pool import RelayNumber

BLOCKED = {"action": "reject", "reason": "blocked"}
UNKNOWN = {"action": "reject", "reason": "no_binding"}
HIDDEN = ""


@pytest.fixture
def tried(world: World, line: Line) -> Line:
    """The line at a gateway of its own, which has counted nothing yet."""
    app = world.gateway()
    return replace(line, telecom=Actor(app, line.telecom.key, line.telecom.name))


def guess(line: Line, caller: str, times: int = 1) -> list[dict[str, str]]:
    return [line.call(caller, wrong(line.extension)).get_json() for _ in range(times)]


def alarms() -> float:
    [family] = metrics.RELAY_GUESS_ALARMS.collect()
    return sum(sample.value for sample in family.samples if sample.name.endswith("_total"))


def test_all_who_hide_their_number_share_the_tries_on_a_relay_number(
    world: World, tried: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guessing, "OF_ALL_WHO_HIDE", 3)
    assert guess(tried, HIDDEN, 4) == [UNKNOWN] * 3 + [BLOCKED]
    assert guess(tried, "anonymous") == [BLOCKED]
    assert tried.call(HIDDEN, tried.extension).get_json() == BLOCKED
    # Whoever shows the number is somebody else, and on another number nobody has tried anything.
    assert tried.call(tried.courier_phone, tried.extension).get_json()["action"] == "connect"
    [other] = add_numbers(world, tried.telecom, 1, "extension")
    assert tried.call(HIDDEN, tried.extension, called=other).get_json() == UNKNOWN


def test_a_tried_number_rings_an_alarm_and_has_fewer_tries_for_each(
    tried: Line, monkeypatch: pytest.MonkeyPatch, auditor: Actor
) -> None:
    monkeypatch.setattr(guessing, "OF_A_NUMBER", 6)
    before = alarms()
    for _ in range(6):
        assert guess(tried, canaries.phone()) == [UNKNOWN]
    assert alarms() == before
    stranger = canaries.phone()
    assert guess(tried, stranger, 4) == [UNKNOWN] * 3 + [BLOCKED]
    assert alarms() == before + 3
    path = f"/v1/audit/events?action=relay.route&outcome=deny&actor=key:{tried.telecom.name}&limit=20"
    told = [event["detail"].get("alarm") for event in auditor.get(path).get_json()["items"]]
    assert told.count("guessing") >= 3


@pytest.fixture(params=["memory", "redis"])
def counted(request: pytest.FixtureRequest, world: World, line: Line, tmp_path: Path) -> Iterator[Line]:
    """The same, for each place where tries are counted."""
    redis = start_redis(tmp_path) if request.param == "redis" else None
    app = world.gateway(redis_url=None if redis is None else redis.address)
    yield replace(line, telecom=Actor(app, line.telecom.key, line.telecom.name))
    app.extensions["database"].close()
    if redis is not None:
        redis.stop()


def test_who_tries_many_at_once_has_no_more_tries(counted: Line) -> None:
    with ThreadPoolExecutor(24) as threads:
        # Right ones first: as many at once as there may be wrong ones, and they count for nothing.
        calls = [threads.submit(counted.call, counted.courier_phone, counted.extension) for _ in range(10)]
        assert {call.result().get_json()["action"] for call in calls} == {"connect"}
        for caller, tries in (
            (counted.courier_phone, guessing.OF_A_CALLER),
            (HIDDEN, guessing.OF_ALL_WHO_HIDE),
        ):
            guessed = [threads.submit(guess, counted, caller) for _ in range(tries + 14)]
            answers = [answer for one in guessed for answer in one.result()]
            assert answers.count(UNKNOWN) == tries
            assert answers.count(BLOCKED) == 14


def test_a_number_that_is_tried_has_three_tries_for_each_at_once(
    counted: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guessing, "OF_A_NUMBER", 1)
    guess(counted, canaries.phone())
    stranger = canaries.phone()
    with ThreadPoolExecutor(12) as threads:
        answers = [one.result() for one in [threads.submit(guess, counted, stranger) for _ in range(12)]]
    assert answers.count([UNKNOWN]) == 3
    # Where the number is not tried any more, those that were refused have used up nothing.
    monkeypatch.setattr(guessing, "OF_A_NUMBER", 100)
    assert guess(counted, stranger, 8) == [UNKNOWN] * 7 + [BLOCKED]


def test_a_database_that_fails_uses_up_nobodys_tries(world: World, tried: Line) -> None:
    with world.admin() as conn:
        conn.execute("revoke execute on function relay_end from vault_gateway_relay")
    try:
        failed = [tried.call(tried.courier_phone, tried.extension).status_code for _ in range(11)]
    finally:
        with world.admin() as conn:
            conn.execute("grant execute on function relay_end to vault_gateway_relay")
    assert failed == [500] * 11
    assert tried.call(tried.courier_phone, tried.extension).get_json()["action"] == "connect"


def test_no_stranger_shuts_a_parcels_line(tried: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guessing, "OF_A_NUMBER", 2)
    for _ in range(5):
        guess(tried, canaries.phone())
    # At once, and after two slips of the finger.
    assert tried.call(canaries.phone(), tried.extension).get_json()["action"] == "connect"
    clumsy = canaries.phone()
    assert guess(tried, clumsy, 2) == [UNKNOWN] * 2
    assert tried.call(clumsy, tried.extension).get_json()["action"] == "connect"


def test_who_is_locked_still_reaches_whom_no_extension_is_needed_for(world: World, tried: Line) -> None:
    """Somebody may have dialled wrong extensions in the name of the courier or the recipient."""
    add_numbers(world, tried.telecom, 1, "axb")
    _, pair = bind_pair(tried.town.courier, tried.waybill_no)
    tried.call(canaries.phone(), tried.extension)
    for locked in (tried.courier_phone, tried.recipient.phone):
        assert guess(tried, locked, 11)[-1] == BLOCKED
    assert tried.call(tried.courier_phone, called=pair["number"]).get_json()["action"] == "connect"
    assert tried.call(tried.recipient.phone).get_json()["action"] == "connect"


def test_who_is_locked_is_not_asked_for_an_extension(tried: Line) -> None:
    stranger = canaries.phone()
    guess(tried, stranger, 10)
    assert tried.call(stranger).get_json() == BLOCKED


def test_who_may_not_route_is_told_so_before_vault_is_asked(world: World, line: Line) -> None:
    app = world.gateway(vault_addr="http://127.0.0.1:9")
    body = {"call_id": "c1", "medium": "voice", "caller": line.courier_phone, "called": line.number}
    for actor in (line.town.merchant, line.town.courier, world.actor("telecom")):
        assert Actor(app, actor.key, actor.name).post("/v1/relay/route", body).status_code == 404
    own = Actor(app, line.telecom.key, line.telecom.name)
    assert own.post("/v1/relay/route", body).status_code == 503


@pytest.mark.parametrize(("digits", "at_most"), [(4, 100), (6, 100), (7, 1000), (8, 10_000)])
def test_longer_extensions_serve_more_parcels_and_see_more_mistakes(digits: int, at_most: int) -> None:
    number = RelayNumber("+8617000000001", "key:voice", "extension", digits)
    assert guessing.Dialler(number, b"here", b"anywhere").of_all(guessing.OF_A_NUMBER) == at_most
