"""A shop with a server of its own, on a gateway that may call this machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask import Flask

from tests.functional.webhooks.receiver import Receiver, receiving
from tests.world import Actor, Town, World, new_town
from vault_gateway.client.webhooks import ParcelEvent
from vault_gateway.database import Database
from vault_gateway.keys import Tokenizer, Vault
from vault_gateway.outside.calling import Outside
from vault_gateway.webhooks.sending import Sender

HERE = Outside(frozenset({"127.0.0.1"}))


@pytest.fixture(scope="session")
def shop_app(world: World) -> Flask:
    return world.gateway(webhook_internal_hosts="127.0.0.1")


@pytest.fixture(scope="session")
def database(world: World) -> Iterator[Database]:
    database = Database(world.settings.database_url)
    database.open()
    yield database
    database.close()


@pytest.fixture(scope="session")
def tokenizer(world: World) -> Tokenizer:
    vault = Vault(world.settings.vault_addr, operations=4)
    return Tokenizer(vault, world.settings.identities["tokenizer"])


@pytest.fixture(autouse=True)
def nothing_else_waits(world: World) -> Iterator[None]:
    """Each test finds no webhook but its own, whatever another file has left, and leaves none."""
    forget_webhooks(world)
    yield
    forget_webhooks(world)


def forget_webhooks(world: World) -> None:
    with world.admin() as conn:
        conn.execute("truncate webhook, webhook_outbox")


@pytest.fixture
def sender(world: World, database: Database, tokenizer: Tokenizer) -> Sender:
    return Sender(database, tokenizer, HERE, world.clock)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@dataclass(frozen=True)
class Shop:
    town: Town
    secret: str
    webhook_id: str


def subscribe(who: Actor, url: str, **more: object) -> tuple[str, str]:
    """Id and secret of a new webhook."""
    answer = who.post("/v1/webhooks", {"url": url, **more})
    assert answer.status_code == 201, answer.text
    return answer.get_json()["webhook_id"], answer.get_json()["secret"]


@pytest.fixture
def shop(world: World, shop_app: Flask, receiver: Receiver) -> Shop:
    town = new_town(world, app=shop_app)
    webhook_id, secret = subscribe(town.merchant, receiver.url)
    return Shop(town, secret, webhook_id)


def drain(sender: Sender) -> int:
    """Sends what is due; how many tries that took."""
    tries = 0
    while sender.send_one():
        tries += 1
    return tries


def heard(receiver: Receiver, secret: str) -> list[ParcelEvent]:
    return [got.event(secret) for got in receiver.got]


def waiting(shop: Shop) -> tuple[int, int]:
    """How many events wait for its server, and how many were given up."""
    (one,) = shop.town.merchant.get("/v1/webhooks").get_json()["items"]
    return one["waiting"], one["dead"]
