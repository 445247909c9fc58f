"""Events reach whoever asked for them: in order, all of them, and never where they must not go."""

from __future__ import annotations

import threading
import time
from collections import defaultdict

import orjson
import pytest

from tests import canaries
from tests.functional.webhooks.conftest import HERE, Shop, drain, heard, subscribe, waiting
from tests.functional.webhooks.receiver import Receiver
from tests.world import World, new_town
from vault_gateway.client.webhooks import NotSigned, verify
from vault_gateway.database import Database
from vault_gateway.keys import Tokenizer
from vault_gateway.outside.calling import Outside
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
