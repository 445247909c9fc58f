"""The edges of a token's time, to the second."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from vault_gateway.identity.claims import require_in_time
from vault_gateway.identity.compact import TokenRefused

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
T = int(NOW.timestamp())
DAY = 86_400


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": T + 1},
        {"exp": T - 59},
        {"exp": T + DAY},
        {"exp": T + DAY - 10, "iat": T - 10},
        {"exp": T + 1, "iat": T + 60, "nbf": T + 60},
        {"exp": T + 1, "nbf": 0, "iat": T + 1 - DAY},
    ],
)
def test_in_time(claims: dict[str, int]) -> None:
    until = require_in_time(claims, NOW, DAY)
    assert until == datetime.fromtimestamp(claims["exp"], UTC) + timedelta(seconds=60)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({}, "claim_missing"),
        ({"exp": T - 60}, "expired"),
        ({"exp": 0}, "expired"),
        ({"exp": T + 10, "nbf": T + 61}, "not_yet_valid"),
        ({"exp": T + 100, "iat": T + 61}, "not_yet_valid"),
        ({"exp": T + DAY + 1}, "lives_too_long"),
        ({"exp": T + 1, "iat": T - DAY}, "lives_too_long"),
        ({"exp": 253_402_300_799}, "claim_malformed"),
        ({"exp": T + 1, "nbf": -1}, "claim_malformed"),
        ({"exp": T + 1, "iat": False}, "claim_malformed"),
    ],
)
def test_not_in_time(claims: dict[str, int], reason: str) -> None:
    with pytest.raises(TokenRefused, match=reason):
        require_in_time(claims, NOW, DAY)
