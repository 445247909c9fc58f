"""A gateway as a process of its own, and clients of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.functional.client.cutting_proxy import CuttingProxy, cutting_proxy
from tests.world import Actor, World
from vault_gateway.client import Client

ClientOf = Callable[[Actor], Client]


@pytest.fixture(scope="module")
def gateway(world: World) -> Iterator[str]:
    with world.served() as url:
        yield url


@pytest.fixture(scope="module")
def line(gateway: str) -> Iterator[CuttingProxy]:
    with cutting_proxy(gateway) as proxy:
        yield proxy


@pytest.fixture
def client_of(line: CuttingProxy) -> Iterator[ClientOf]:
    """A client of the gateway for an actor, over the line that can be cut."""
    line.seen.clear()
    with ExitStack() as open_clients:
        yield lambda actor: open_clients.enter_context(Client(line.url, actor.key, deadline_s=20.0))
