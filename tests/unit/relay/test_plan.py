"""How many numbers a pool takes, and for how long one lasts."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from vault_gateway.cli.root import root
from vault_gateway.relay.plan import capacity, days_to_exhaustion


def test_twenty_million_parcels_a_day_take_nine_thousand_numbers() -> None:
    asked = ["relay", "plan", "--parcels-per-day", "20000000", "--days-live", "15"]
    told = CliRunner().invoke(root, asked)
    assert told.exit_code == 0
    assert "20,000,000 x (15 + 30) / 100,000" in told.stdout
    assert told.stdout.rstrip().endswith("= 9,000")
    assert json.loads(CliRunner().invoke(root, [*asked, "--json"]).stdout)["numbers"] == 9000


def test_full_pools_of_four_digits_without_a_rest_take_thirty_thousand() -> None:
    asked = ["relay", "plan", "--parcels-per-day", "20000000", "--days-live", "15", "--json"]
    told = CliRunner().invoke(root, [*asked, "--days-of-cooldown", "0", "--digits", "4", "--fill", "1"])
    assert json.loads(told.stdout)["numbers"] == 30_000


@pytest.mark.parametrize(("digits", "holds"), [(4, 1000), (6, 100_000), (8, 10_000_000)])
def test_a_number_is_never_filled_beyond_a_tenth(digits: int, holds: int) -> None:
    assert capacity("extension", digits) == holds


@pytest.mark.parametrize(
    ("free", "taken", "freed", "days"), [(1000, 110, 10, 10.0), (1000, 10, 10, None), (0, 5, 0, 0.0)]
)
def test_a_pool_lasts_as_long_as_more_is_taken_than_freed(
    free: int, taken: int, freed: int, days: float | None
) -> None:
    assert days_to_exhaustion(free, taken, freed) == days
