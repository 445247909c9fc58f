"""What Vault is asked to open for the relay, seen by a proxy in front of it: always after the event about it was
committed, never without one, and never while a transaction is open."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from psycopg.conninfo import make_conninfo

import vault_gateway.app
from tests import canaries
from tests.faults.holding_proxy import HoldingProxy, holding_proxy
from tests.functional.relay.conftest import ASKED, Line, add_numbers
from tests.functional.serve.outside import start_redis
from tests.world import Actor, World

WATCHED = "watched"


@pytest.fixture(autouse=True)
def _nobody_keeps_house(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its transactions are none of a request's."""
    monkeypatch.setattr(vault_gateway.app, "keep_house", lambda *_, **__: None)


def watched_gateway(world: World, **changed: Any) -> Flask:
    """A gateway whose transactions can be told from those of others in this process."""
    return world.gateway(
        database_url=make_conninfo(world.settings.database_url, application_name=WATCHED), **changed
    )


@contextmanager
def before_vault(world: World, marker: bytes) -> Iterator[HoldingProxy]:
    at = urlsplit(world.settings.vault_addr)
    with holding_proxy(lambda: socket.create_connection((at.hostname or "", at.port or 0)), marker) as proxy:
        yield proxy


def served_through(vault: HoldingProxy, world: World, line: Line) -> Line:
    """The line, its telecom and its courier being served by a gateway that asks Vault through the proxy."""
    app = watched_gateway(world, vault_addr=f"http://127.0.0.1:{vault.port}")
    town = replace(line.town, courier=replace(line.town.courier, app=app))
    return replace(line, town=town, telecom=replace(line.telecom, app=app))


def opened_phones(world: World, line: Line, action: str) -> int:
    """Events that are committed and say that a phone of this parcel is opened."""
    return int(
        world.row(
            """
            select count(*)::int as events from audit_event
            where action = %s and waybill = %s and outcome = 'allow' and body -> 'fields' ? 'phone'
            """,
            (action, line.waybill_no),
        )["events"]
    )


def open_transactions(world: World) -> int:
    """Of the watched gateway."""
    return int(
        world.row(
            "select count(*)::int as held from pg_stat_activity"
            " where state like 'idle in transaction%%' and application_name = %s",
            (WATCHED,),
        )["held"]
    )


def test_an_open_transaction_would_be_seen(world: World) -> None:
    with watched_gateway(world).extensions["database"].connection() as conn, conn.transaction():
        conn.execute("select 1")
        assert open_transactions(world) == 1
    assert open_transactions(world) == 0


@contextmanager
def watching(world: World, line: Line, vault: HoldingProxy, action: str) -> Iterator[list[tuple[int, int]]]:
    """For each question to Vault: the events there are by then, and the transactions that are open."""
    seen: list[tuple[int, int]] = []
    vault.on_request = lambda: seen.append((opened_phones(world, line, action), open_transactions(world)))
    try:
        yield seen
    finally:
        vault.on_request = lambda: None


def test_the_event_comes_first_and_no_transaction_waits_for_vault(world: World, line: Line) -> None:
    add_numbers(world, line.telecom, 1, "axb")
    call_id = f"f-{line.extension}"
    with before_vault(world, b"/transit/") as vault:
        seen_at = served_through(vault, world, line)
        with watching(world, line, vault, "relay.route") as seen:
            # The recipient dials the own extension: both phones are opened, one after the other.
            answer = seen_at.call(line.recipient.phone, line.extension)
            assert answer.get_json()["action"] == "connect"
        # The callers' digests are of no stored value; then the two phones.
        assert seen == [(0, 0), (1, 0), (2, 0)]

        line.call(line.courier_phone, line.extension, call_id=call_id)
        with watching(world, line, vault, "relay.record") as seen:
            assert seen_at.record(call_id, "failed").status_code == 200
        assert seen == [(1, 0)] * 2

        with watching(world, line, vault, "relay.bind") as seen:
            body = {"waybill_no": line.waybill_no, "mode": "axb"}
            assert seen_at.town.courier.post("/v1/relay/bindings", body).status_code == 201
        # Two phones and, once, the digests.
        assert seen == [(1, 0)] * 3


def test_no_transaction_waits_for_redis(world: World, line: Line, tmp_path: Path) -> None:
    redis = start_redis(tmp_path)
    at = urlsplit(redis.address)
    try:
        with holding_proxy(
            lambda: socket.create_connection((at.hostname or "", at.port or 0)), b"relay-guess"
        ) as proxy:
            seen: list[int] = []
            proxy.on_request = lambda: seen.append(open_transactions(world))
            app = watched_gateway(world, redis_url=f"redis://127.0.0.1:{proxy.port}/0")
            watched = replace(line, telecom=replace(line.telecom, app=app))
            assert watched.call(canaries.phone(), line.extension).get_json()["action"] == "connect"
            assert watched.call(canaries.phone(), "000000x").get_json()["reason"] == "no_binding"
    finally:
        redis.stop()
    # Is the number tried, and a try taken: twice; one given back, and the wrong one counted there and on the number.
    assert len(seen) >= 6
    assert set(seen) == {0}


@contextmanager
def no_event_can_be_written(world: World, *actors: Actor) -> Iterator[None]:
    names = ", ".join(f"'key:{actor.name}'" for actor in actors)
    with world.admin() as conn:
        conn.execute(
            f"alter table audit_event add constraint nothing check (actor not in ({names})) not valid"
        )
    try:
        yield
    finally:
        with world.admin() as conn:
            conn.execute("alter table audit_event drop constraint nothing")


def test_without_an_event_nothing_is_opened(world: World, line: Line) -> None:
    add_numbers(world, line.telecom, 1, "axb")
    call_id = f"f-{line.extension}"
    line.call(line.courier_phone, line.extension, call_id=call_id)
    pair = {"waybill_no": line.waybill_no, "mode": "axb"}
    reveal = {"waybill_no": line.waybill_no, "purpose": "deliver"}
    grant = line.town.courier.post("/v1/reveals", reveal).get_json()["reveal_id"]
    with before_vault(world, b"/transit/decrypt/") as vault:
        watched = served_through(vault, world, line)
        with no_event_can_be_written(world, line.telecom, line.town.courier):
            answers = [
                watched.call(canaries.phone(), line.extension),
                watched.record(call_id, "failed"),
                watched.town.courier.post("/v1/relay/bindings", pair),
                watched.town.courier.post(f"/v1/reveals/{grant}/claim", {}),
            ]
        assert [answer.status_code for answer in answers] == [500] * 4
        assert vault.seen == 0
        assert watched.town.courier.post(f"/v1/reveals/{grant}/claim", {}).status_code == 200
        assert vault.seen == 2


def test_a_call_to_the_former_recipient_that_is_under_way_leaves_no_way_back(
    world: World, line: Line
) -> None:
    former, new = canaries.person(), canaries.person()
    view = line.town.new_waybill(line.town.tokenize(former), relay=True)
    number, extension = view["relay"]["number"], view["relay"]["extension"]
    recipient = line.town.tokenize(new).as_recipient()
    corrected: list[int] = []

    def correct() -> None:
        answer = line.town.merchant.patch(f"/v1/waybills/{view['waybill_no']}", {"recipient": recipient})
        corrected.append(answer.status_code)

    with before_vault(world, b"/transit/decrypt/") as vault:
        vault.on_request = correct
        caller = canaries.phone()
        served_through(vault, world, line).call(caller, extension, called=number)
    assert corrected == [200]
    # No courier has the parcel yet: whoever is known here hears that there is nobody, and not what a stranger hears.
    assert line.call(former.phone, called=number).get_json() == ASKED
    assert line.call(canaries.phone(), extension, called=number).get_json()["destination"] == new.e164
