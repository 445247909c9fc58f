"""Whose ground is whose: the askers' own, their neighbour's on the same platform, and somebody's on another one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask import Flask

from tests.functional.guarantees.ground import Ground, new_ground
from tests.functional.keys.bao_server import BaoServer, start_bao
from tests.pool import retire_numbers
from tests.world import Actor, World


@dataclass
class Grounds:
    own: Ground
    neighbour: Ground
    abroad: Ground


@pytest.fixture(scope="session")
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BaoServer]:
    """A server of one's own, for what is set on a server as a whole."""
    server = start_bao(tmp_path_factory.mktemp("bao"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def app(world: World) -> Flask:
    """With quotas that no walk uses up, and a provider of notices that nothing is sent to."""
    app = world.gateway(
        break_glass_a_day=1000,
        missed_searches_a_day=10**6,
        notice_provider="webhook",
        notice_webhook_url="http://127.0.0.1:9/send",
        notice_webhook_secret="never-used-in-this-test",
    )
    app.extensions["notices"].stop()
    return app


@pytest.fixture(scope="session")
def grounds(world: World, app: Flask) -> Iterator[Grounds]:
    own = new_ground(world, app, "宁波市")
    neighbour = new_ground(world, app, "温州市", platform_slug=own.town.platform_slug)
    made = Grounds(own, neighbour, new_ground(world, app, "绍兴市"))
    yield made
    for ground in (made.own, made.neighbour, made.abroad):
        retire_numbers(world, ground.telecom.name)


@pytest.fixture(scope="session")
def colleagues(world: World, app: Flask, grounds: Grounds) -> dict[str, Actor]:
    """Of the same carrier as the askers, but another person and another place."""
    carrier = grounds.own.town.carrier_slug
    return {
        "courier": world.actor("courier", app=app, carrier=carrier),
        "station": world.actor("station", app=app, carrier=carrier, station="elsewhere"),
    }
