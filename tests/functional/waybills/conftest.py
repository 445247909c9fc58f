"""Somebody whom parcels are for."""

from __future__ import annotations

import pytest

from tests import canaries
from tests.world import Tokens, Town


@pytest.fixture(scope="module")
def someone(town: Town) -> Tokens:
    return town.tokenize(canaries.person())
