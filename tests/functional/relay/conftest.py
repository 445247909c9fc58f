"""A telecom with numbers where the made-up people live."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests import canaries, pool
from tests.canaries import Person
from tests.functional.relay.twilio import Twilio, gateway
from tests.pool import DIGITS, retire_numbers
from tests.world import Actor, Town, World
from vault_gateway.retention import load_retention
from vault_gateway.settings.policies import default_policies

CITY = "杭州市"
# What whoever dials a number alone hears.
ASKED = {"action": "ask_extension", "digits": DIGITS}
PERIODS = load_retention(default_policies() / "retention.yaml").relay
COOLDOWN, AFTER_SALES, ON_THE_WAY = PERIODS.cooldown, PERIODS.after_sales, PERIODS.on_the_way


@pytest.fixture(scope="module")
def telecom(world: World) -> Iterator[Actor]:
    actor = world.actor("telecom")
    add_numbers(world, actor, 4, "extension")
    yield actor
    retire_numbers(world, actor.name)


@pytest.fixture(scope="module")
def twilio(world: World, telecom: Actor) -> Iterator[Twilio]:
    app = gateway(world, telecom.name)
    yield Twilio(app)
    app.extensions["database"].close()


def add_numbers(
    world: World, telecom: Actor, count: int, mode: str, *, places: int | None = None
) -> list[str]:
    return pool.add_numbers(world, telecom.name, count, mode, region=CITY, places=places)


def e164(phone: str) -> str:
    return f"+86{phone}"


def wrong(extension: str) -> str:
    return f"{(int(extension) + 1 + secrets.randbelow(900_000)) % 1_000_000:06d}"


@dataclass
class Line:
    """A parcel with a relay number, its recipient, and the courier's own phone."""

    town: Town
    telecom: Actor
    recipient: Person
    courier_phone: str
    waybill_no: str
    number: str
    extension: str

    def call(self, caller: str, extension: str | None = None, **more: Any) -> TestResponse:
        body: dict[str, Any] = {
            "call_id": f"call-{secrets.token_hex(8)}",
            "medium": "voice",
            "caller": caller,
            "called": self.number,
            **more,
        }
        if extension is not None:
            body["extension"] = extension
        return self.telecom.post("/v1/relay/route", body)

    def record(self, call_id: str, type_: str, **more: Any) -> TestResponse:
        at = self.town.world.clock().isoformat()
        return self.telecom.post("/v1/relay/events", {"call_id": call_id, "type": type_, "at": at, **more})


@pytest.fixture
def line(town: Town, telecom: Actor) -> Line:
    """Out for delivery with the town's courier, whose phone the carrier has registered."""
    someone, courier_phone = canaries.person(), canaries.phone()
    town.register_courier(courier_phone)
    view = town.new_waybill(town.tokenize(someone), relay=True)
    town.hand_to_courier(view["waybill_no"])
    relay = view["relay"]
    return Line(
        town, telecom, someone, courier_phone, view["waybill_no"], relay["number"], relay["extension"]
    )


def short_lived(line: Line, waybill_no: str, **lives: float) -> Line:
    """The parcel with a number that its owner wanted for so long."""
    until = (line.town.world.clock() + timedelta(**lives)).isoformat()
    body = {"waybill_no": waybill_no, "expires_at": until}
    made = line.town.merchant.post("/v1/relay/bindings", body)
    assert made.status_code == 201, made.text
    view = made.get_json()
    return replace(line, waybill_no=waybill_no, number=view["number"], extension=view["extension"])
