from __future__ import annotations

import pytest

from tests.responders import Desk
from tests.world import Actor, World


@pytest.fixture(scope="module")
def desk(world: World) -> Desk:
    return Desk(world)


@pytest.fixture
def mei(desk: Desk) -> Actor:
    """Someone who asks; new for each test, so that nobody's quota is in the way."""
    return desk.responder()


@pytest.fixture
def lan(desk: Desk) -> Actor:
    """Somebody else of the same issuer, who approves."""
    return desk.responder()
