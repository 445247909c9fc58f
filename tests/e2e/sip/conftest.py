"""One gateway with one switch for all of these tests, and no numbers left behind for others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.sip.switch import Operator, Parcel, Switch
from tests.world import World


@pytest.fixture(scope="package")
def operator(world: World) -> Iterator[Operator]:
    with world.served() as url:
        here = Operator(world, url)
        yield here
        here.retire()


@pytest.fixture(scope="package")
def switch(operator: Operator) -> Iterator[Switch]:
    with operator.switch() as running:
        yield running


@pytest.fixture
def parcel(operator: Operator) -> Parcel:
    return operator.parcel()
