"""What is not taken comes again, rests and is given up, and holds up nothing else."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler

import pytest

from tests.faults.killing import kill
from tests.functional.webhooks.conftest import Shop, drain, heard, waiting
from tests.functional.webhooks.receiver import Receiver, status
from tests.serving import start_server
from tests.world import TurnedClock, World
from vault_gateway.client.webhooks import verify
from vault_gateway.embedded.processes import free_port
from vault_gateway.settings.environment import to_environment
from vault_gateway.webhooks import posting
from vault_gateway.webhooks.sending import Sender


def test_what_is_not_taken_comes_again_with_its_id_and_later_events_wait(
    shop: Shop, sender: Sender, receiver: Receiver, clock: TurnedClock
) -> None:
    receiver.answer = status(500)
    waybill_no = shop.town.waybill()
    shop.town.event(waybill_no, "accepted")
    for _ in range(3):
        assert drain(sender) == 1
        clock.advance(minutes=10)
    assert {got.headers["Webhook-Id"] for got in receiver.got} == {receiver.got[0].headers["Webhook-Id"]}
    assert waiting(shop) == (2, 0)
    receiver.answer = status(200)
    assert drain(sender) == 2
    assert [
        verify(got.body, got.headers, shop.secret, tolerance_s=7200).type for got in receiver.got[-2:]
    ] == [
        "created",
        "accepted",
    ]


def test_one_parcels_failing_event_does_not_hold_up_the_others(
    shop: Shop, sender: Sender, receiver: Receiver, clock: TurnedClock
) -> None:
    poison = shop.town.waybill()

    def refuse_poison(handler: BaseHTTPRequestHandler) -> None:
        status(500 if poison.encode() in receiver.got[-1].body else 200)(handler)

    receiver.answer = refuse_poison
    drain(sender)
    others = {shop.town.waybill() for _ in range(3)}
    # The address rests a moment after its failure, whatever waits for it.
    assert drain(sender) == 0
    clock.advance(seconds=3)
    drain(sender)
    taken = {one.waybill_no for one in (got.event(shop.secret) for got in receiver.got)} - {poison}
    assert taken == others
    assert waiting(shop) == (1, 0)


def test_after_a_day_an_event_is_given_up_and_the_parcel_goes_on(
    shop: Shop, sender: Sender, receiver: Receiver, clock: TurnedClock
) -> None:
    receiver.answer = status(503)
    waybill_no = shop.town.waybill()
    drain(sender)
    clock.advance(hours=25)
    assert drain(sender) == 1
    assert waiting(shop) == (0, 1)
    receiver.answer = status(204)
    shop.town.event(waybill_no, "accepted")
    clock.advance(minutes=6)
    assert drain(sender) == 1
    assert b'"accepted"' in receiver.got[-1].body


def test_a_receiver_that_is_too_slow_or_drips_is_left_and_asked_again(
    shop: Shop, sender: Sender, receiver: Receiver, clock: TurnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "TIMEOUT_S", 0.4)

    def drip(handler: BaseHTTPRequestHandler) -> None:
        for _ in range(20):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.1)

    receiver.answer = drip
    shop.town.waybill()
    begun = time.monotonic()
    assert drain(sender) == 1
    assert time.monotonic() - begun < 2
    receiver.answer = status(200)
    clock.advance(minutes=1)
    drain(sender)
    assert len({got.headers["Webhook-Id"] for got in receiver.got}) == 1
    assert (len(receiver.got), waiting(shop)) == (2, (0, 0))


def test_no_redirect_is_followed_and_no_endless_answer_read(
    shop: Shop, sender: Sender, receiver: Receiver, clock: TurnedClock
) -> None:
    receiver.answer = status(307, Location=receiver.url)
    shop.town.waybill()
    assert (drain(sender), len(receiver.got)) == (1, 1)

    def endless(handler: BaseHTTPRequestHandler) -> None:
        while True:
            handler.wfile.write(b"x" * 65536)

    receiver.answer = endless
    clock.advance(minutes=1)
    assert drain(sender) == 1
    assert waiting(shop) == (1, 0)


def test_a_sender_that_is_killed_while_it_sends_loses_nothing(
    world: World, shop: Shop, sender: Sender, receiver: Receiver, clock: TurnedClock
) -> None:
    arrived, let_go = threading.Event(), threading.Event()

    def hold(handler: BaseHTTPRequestHandler) -> None:
        arrived.set()
        let_go.wait(10)

    receiver.answer = hold
    waybill_no = shop.town.waybill()
    shop.town.event(waybill_no, "accepted")
    settings = replace(
        world.settings,
        host="127.0.0.1",
        port=free_port(),
        webhook_senders=1,
        webhook_internal_hosts="127.0.0.1",
    )
    process = start_server(
        to_environment(settings), world.instance.engines.data / "logs" / f"killed-{settings.port}.log"
    )
    try:
        assert arrived.wait(30)
    finally:
        kill(process)
    let_go.set()
    receiver.answer = status(200)
    assert drain(sender) == 0, "the lease still runs"
    clock.advance(seconds=31)
    assert drain(sender) == 2
    ids = [got.headers["Webhook-Id"] for got in receiver.got]
    assert ids[0] == ids[1] != ids[2]
    assert [one.type for one in heard(receiver, shop.secret)] == ["created", "created", "accepted"]
