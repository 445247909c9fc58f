"""Events reach whoever asked for them: in order, again until taken, and never where they must not go."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from dataclasses import replace
from http.server import BaseHTTPRequestHandler

import orjson
import pytest

from tests import canaries
from tests.faults.test_reveal_killed import kill
from tests.functional.webhooks.conftest import HERE, Shop, drain, heard, subscribe
from tests.functional.webhooks.receiver import Receiver, status
from tests.serving import start_server
from tests.world import TurnedClock, World, new_town
from vault_gateway.client.webhooks import NotSigned, verify
from vault_gateway.database import Database
from vault_gateway.embedded.processes import free_port
from vault_gateway.keys import Tokenizer
from vault_gateway.outside.calling import Outside
from vault_gateway.settings.environment import to_environment
from vault_gateway.webhooks import posting
from vault_gateway.webhooks.sending import Sender

FIELDS = {"id", "type", "time", "waybill_no", "network", "carrier", "merchant"}
LIFE = ("created", "accepted", "in_transit", "out_for_delivery", "delivered")


def whole_life(shop: Shop) -> str:
    waybill_no = shop.town.waybill()
    for type_ in LIFE[1:]:
        more = {"courier": shop.town.courier.name} if type_ == "out_for_delivery" else {}
        assert shop.town.event(waybill_no, type_, **more).status_code == 201
    return waybill_no


def test_a_merged_parcel_is_told_of_as_one_and_its_orders_are_not_named(
    shop: Shop, sender: Sender, receiver: Receiver
) -> None:
    """By its number, as any parcel: which orders are in it, `GET /v1/waybills/{no}` says to whose they are."""
    someone, town = canaries.person(), shop.town
    recipients = [town.tokenize(someone).as_recipient() for _ in range(3)]
    order = {"network": "douyin", "carrier": town.carrier_slug}
    items = [{**order, "recipient": one, "order": f"SO-MERGED-{at}"} for at, one in enumerate(recipients)]
    answer = town.merchant.post("/v1/waybills", {"merge": True, "items": items})
    [waybill_no] = {item["waybill_no"] for item in answer.get_json()["items"]}
    assert town.event(waybill_no, "accepted").status_code == 201
    drain(sender)
    told = {one.id: one for one in heard(receiver, shop.secret)}
    assert [(one.type, one.waybill_no) for one in told.values()] == [
        ("created", waybill_no),
        ("accepted", waybill_no),
    ]
    for got in receiver.got:
        assert orjson.loads(got.body).keys() == FIELDS
        assert b"SO-MERGED" not in got.body
        assert list(canaries.leaks(got.body)) == []
        assert not [token for one in recipients for token in one.values() if token.encode() in got.body]


def waiting(shop: Shop) -> tuple[int, int]:
    (one,) = shop.town.merchant.get("/v1/webhooks").get_json()["items"]
    return one["waiting"], one["dead"]


def test_a_parcels_life_is_told_in_order_signed_and_without_a_person(
    shop: Shop, sender: Sender, receiver: Receiver
) -> None:
    someone = canaries.person()
    waybill_no = whole_life(shop)
    shop.town.waybill(shop.town.tokenize(someone), order="SO-77")
    drain(sender)
    # By id: one that a busy machine answers too late comes again.
    told = {one.id: one for one in heard(receiver, shop.secret) if one.waybill_no == waybill_no}
    assert tuple(one.type for one in told.values()) == LIFE
    assert {one.merchant for one in told.values()} == {shop.town.merchant_slug}
    assert waiting(shop) == (0, 0)
    for got in receiver.got:
        assert list(canaries.leaks(got.body)) == []
        assert b"SO-77" not in got.body


def test_a_tampered_or_old_event_or_another_secret_is_not_believed(
    shop: Shop, sender: Sender, receiver: Receiver
) -> None:
    shop.town.waybill()
    drain(sender)
    (got,) = receiver.got
    assert got.event(shop.secret).type == "created"
    _, other = subscribe(shop.town.merchant, receiver.url)
    for body, headers, secret in (
        (got.body.replace(b"created", b"returned"), got.headers, shop.secret),
        (got.body, got.headers, other),
        (got.body, {**got.headers, "Webhook-Id": "ev_x"}, shop.secret),
        (got.body, {**got.headers, "Webhook-Signature": "v1,?? v2,AAAA"}, shop.secret),
        (got.body, {}, shop.secret),
    ):
        with pytest.raises(NotSigned):
            verify(body, headers, secret)
    with pytest.raises(NotSigned, match="old"):
        verify(got.body, got.headers, shop.secret, now=time.time() + 301)


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


@pytest.mark.parametrize("outside", [Outside(), Outside(frozenset({"localhost"}))])
def test_an_address_inside_is_not_called_unless_a_setting_says_so(
    shop: Shop, database: Database, tokenizer: Tokenizer, world: World, receiver: Receiver, outside: Outside
) -> None:
    subscribe(shop.town.merchant, receiver.url.replace("http:", "https:"))
    shop.town.waybill()
    assert drain(Sender(database, tokenizer, outside, world.clock)) == 2
    assert receiver.got == []


def test_a_webhook_hears_of_its_owners_parcels_and_of_the_types_it_asked_for(
    world: World, shop: Shop, sender: Sender, receiver: Receiver
) -> None:
    neighbour = new_town(world, platform_slug=shop.town.platform_slug, app=shop.town.merchant.app)
    _, secret = subscribe(shop.town.platform, receiver.url, events=["accepted"])
    stranger = new_town(world, app=shop.town.merchant.app)
    for town in (shop.town, neighbour, stranger):
        assert town.event(town.waybill(), "accepted").status_code == 201
    drain(sender)
    by_secret: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for got in receiver.got:
        for name, key in (("merchant", shop.secret), ("platform", secret)):
            try:
                event = got.event(key)
            except NotSigned:
                continue
            by_secret[name].add((event.merchant, event.type))
    assert by_secret["merchant"] == {
        (shop.town.merchant_slug, "created"),
        (shop.town.merchant_slug, "accepted"),
    }
    assert by_secret["platform"] == {
        (shop.town.merchant_slug, "accepted"),
        (neighbour.merchant_slug, "accepted"),
    }


def test_an_event_that_did_not_happen_is_not_told(shop: Shop, sender: Sender, receiver: Receiver) -> None:
    waybill_no = shop.town.waybill()
    assert shop.town.event(waybill_no, "delivered").status_code == 409
    assert drain(sender) == 1


def test_many_senders_at_once_keep_each_parcels_order_and_lose_nothing(
    shop: Shop, database: Database, tokenizer: Tokenizer, world: World, receiver: Receiver
) -> None:
    numbers = {whole_life(shop) for _ in range(4)}
    senders = [Sender(database, tokenizer, HERE, world.clock) for _ in range(4)]

    def work(sender: Sender) -> None:
        deadline = time.monotonic() + 20
        while waiting(shop) != (0, 0) and time.monotonic() < deadline:
            drain(sender)

    threads = [threading.Thread(target=work, args=(sender,)) for sender in senders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = defaultdict(list)
    for event in heard(receiver, shop.secret):
        told[event.waybill_no].append(event.type)
    assert dict(told) == {number: list(LIFE) for number in numbers}


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
