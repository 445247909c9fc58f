from __future__ import annotations

from pathlib import Path

import pytest

from vault_gateway.inforce import always
from vault_gateway.tokens.masks import MaskingProfile
from vault_gateway.tokens.normalise import Normaliser


@pytest.fixture(scope="session")
def masks() -> MaskingProfile:
    return MaskingProfile.load(Path("policies/masking.yaml"))


@pytest.fixture(scope="session")
def normaliser(masks: MaskingProfile) -> Normaliser:
    return Normaliser(always(masks))
