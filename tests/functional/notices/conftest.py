"""A gateway that sends notices through a provider of the tests, and a parcel that waits at a station."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import urllib3
from flask import Flask
from werkzeug.test import TestResponse

from tests import canaries
from tests.canaries import Person
from tests.functional.notices import provider as providers
from tests.functional.notices.provider import Provider
from tests.waiting import eventually
from tests.world import Tokens, Town, World, new_town
from vault_gateway.notices import providers as connectors
from vault_gateway.notices import sender

WINDOW = {"from": "2026-11-11T09:00:00+08:00", "to": "2026-11-11T21:00:00+08:00"}


def empty_the_queue(world: World) -> None:
    """What other tests have left would take up the answers planned for these."""
    with world.admin() as conn:
        conn.execute("delete from notice where state = 'queued'")


@pytest.fixture(scope="module")
def provider(world: World) -> Iterator[Provider]:
    # Before a sender of this provider starts: it would have one in hand at once.
    empty_the_queue(world)
    with providers.running() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(world: World, provider: Provider) -> Iterator[Flask]:
    """Looks into its queue twenty times a second, and waits for its provider half a second at most."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(connectors, "_TIMEOUT", urllib3.Timeout(0.5))
        patched.setattr(sender, "_LOOKS_EVERY_S", 0.05)
        app = world.gateway(
            notice_provider="webhook",
            notice_webhook_url=f"{provider.url}/send",
            notice_webhook_secret=providers.SECRET,
        )
        yield app
        app.extensions["notices"].stop()


@pytest.fixture(scope="module")
def here(world: World, gateway: Flask) -> Town:
    return new_town(world, app=gateway)


@pytest.fixture(autouse=True)
def fresh(world: World, provider: Provider) -> None:
    empty_the_queue(world)
    provider.plan.clear()
    provider.taken.clear()
    provider.came.clear()


@dataclass
class Waiting:
    """A parcel at the town's station, and the pick-up code for it."""

    town: Town
    recipient: Person
    tokens: Tokens
    waybill_no: str
    code: str

    def notify(self, **more: Any) -> TestResponse:
        """As the station does when the parcel has come."""
        params = {"place": "西湖驿站", "code": self.code, "window": WINDOW}
        body = {"waybill_no": self.waybill_no, "template": "ready_for_pickup", "params": params, **more}
        return self.town.station.post("/v1/notices", body)

    def queued(self) -> str:
        answer = self.notify()
        assert answer.status_code == 201, answer.text
        return str(answer.get_json()["notice_id"])

    def state(self, notice: str) -> dict[str, Any]:
        answer = self.town.station.get(f"/v1/notices/{notice}")
        assert answer.status_code == 200, answer.text
        return dict(answer.get_json())

    def becomes(self, notice: str, state: str, tries: int | None = None) -> dict[str, Any]:
        """Waits until the notice is so."""
        return eventually(
            lambda: self.state(notice), lambda now: now["state"] == state and tries in (None, now["tries"])
        )

    def failed(self, notice: str, tries: int) -> dict[str, Any]:
        """Waits until so many tries have failed, and the next is still to come."""
        return eventually(lambda: self.state(notice), lambda now: now["tries"] == tries and "reason" in now)


@pytest.fixture
def waiting(here: Town) -> Waiting:
    someone = canaries.person()
    tokens = here.tokenize(someone)
    waybill_no = here.waybill(tokens)
    here.hand_to_station(waybill_no)
    return Waiting(here, someone, tokens, waybill_no, f"K{secrets.randbelow(900) + 100}")
