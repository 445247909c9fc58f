"""The engines start once a run (and worker of a run); every test makes actors of its own. When all is over, what
the tests planted is looked for in every dump and log."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import canaries
from tests.world import MADE, Actor, Town, TurnedClock, World, new_town
from vault_gateway.embedded.instance import Instance
from vault_gateway.logs import configure_logging

# Here a test starts processes and waits for them. These go first, so that short tests fill the end of a run evenly.
_LONGEST_FIRST = (
    "faults",
    "e2e",
    "embedded",
    "serve",
    "demo",
    "access",
    "documentation",
    "properties",
    "relay",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not set(_LONGEST_FIRST).intersection(item.path.parts))


@pytest.fixture(scope="session", autouse=True)
def _nothing_planted_is_on_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Ends last: every server that had its folder here is stopped."""
    yield
    canaries.require_none_in(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    data = tmp_path_factory.mktemp("instance")
    with (data.parent / "gateway-in-tests.log").open("w+", encoding="utf-8") as logs:
        configure_logging(as_json=True, file=logs)
        with Instance(data) as instance:
            world = World(instance, logs)
            yield world
            world.app.extensions["database"].close()
            leaked = [*canaries.leaks(world.dump()), *canaries.leaks(world.log_text())]
            world.close()
            # How many, not which: this text stands in a log as well.
            assert not leaked, f"{len(leaked)} values that tests of this run planted stand in a dump or a log"


@pytest.fixture
def clock(world: World) -> Iterator[TurnedClock]:
    """Turn it as you like: the next test has the real time again."""
    yield world.clock
    world.clock.offset *= 0


@pytest.fixture(autouse=True)
def _no_more_gateways_than_needed() -> Iterator[None]:
    """Gateways that a test makes for itself give their connections back with its end."""
    before = len(MADE)
    yield
    for app in MADE[before:]:
        app.extensions["database"].close()
    del MADE[before:]


@pytest.fixture(scope="module")
def town(world: World) -> Town:
    return new_town(world)


@pytest.fixture(scope="module")
def elsewhere(world: World, town: Town) -> Town:
    """Another merchant of the same platform, with another carrier."""
    return new_town(world, platform_slug=town.platform_slug)


@pytest.fixture
def auditor(world: World) -> Actor:
    return world.actor("auditor")
