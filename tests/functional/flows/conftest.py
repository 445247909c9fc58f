"""A town whose parcels nobody else counts."""

from __future__ import annotations

import pytest

from tests.world import Town, World, new_town


@pytest.fixture
def town(world: World) -> Town:
    """Each test counts from nothing."""
    return new_town(world)
