"""`vault-gateway segment` on a running instance."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.functional.waybills.segments import a_range
from tests.world import Town, World, new_town
from vault_gateway.cli.root import root
from vault_gateway.networks.granting import GrantError


@pytest.fixture
def shop(world: World) -> Town:
    return new_town(world)


@pytest.fixture
def data(world: World) -> Path:
    return world.instance.engines.data


def run(data: Path, *arguments: str) -> Result:
    return CliRunner().invoke(root, ["segment", *arguments, "--data", str(data)])


def grant(data: Path, shop: Town, first: str, last: str, *more: str) -> Result:
    whose = [
        "--platform",
        shop.platform_slug,
        "--merchant",
        shop.merchant_slug,
        "--carrier",
        shop.carrier_slug,
    ]
    return run(data, "grant", first, last, *whose, *more)


def listed(data: Path, shop: Town) -> list[dict[str, Any]]:
    result = run(data, "list", "--json", "--platform", shop.platform_slug, "--merchant", shop.merchant_slug)
    assert result.exit_code == 0, result.output
    rows: list[dict[str, Any]] = json.loads(result.stdout)
    return rows


def test_a_granted_segment_is_issued_from_and_listed(data: Path, shop: Town) -> None:
    numbers = a_range(30)
    result = grant(data, shop, numbers[0], numbers[-1], "--branch", "north", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {
        "network": "douyin",
        "carrier": shop.carrier_slug,
        "branch": "north",
        "numbers": 30,
    }
    assert shop.waybill() == numbers[0]
    [row] = listed(data, shop)
    assert (row["platform"], row["merchant"]) == (shop.platform_slug, shop.merchant_slug)
    assert (row["first"], row["last"], row["available"], row["issued"]) == (numbers[0], numbers[-1], 29, 1)
    table = run(data, "list", "--platform", shop.platform_slug).stdout.splitlines()
    assert len(table) == 2
    assert f"douyin/{shop.carrier_slug}/north" in table[1]


def test_a_segment_of_one_carrier_is_not_granted_to_another(data: Path, shop: Town, world: World) -> None:
    world.actor("carrier", carrier="sf")
    numbers = a_range(5)
    whose = ["--platform", shop.platform_slug, "--merchant", shop.merchant_slug, "--carrier", "sf"]
    refused = run(data, "grant", numbers[0], numbers[-1], *whose)
    assert isinstance(refused.exception, GrantError)
    assert "another carrier" in str(refused.exception)
    assert listed(data, shop) == []


def test_the_low_water_mark_is_a_tenth_or_as_asked(data: Path, shop: Town, world: World) -> None:
    for low_water in ([], ["--low-water", "3"]):
        numbers = a_range(40)
        assert grant(data, shop, numbers[0], numbers[-1], *low_water).exit_code == 0
    with world.admin() as conn:
        rows = conn.execute(
            "select low_water from number_segment where carrier = %s order by id", (shop.carrier_slug,)
        ).fetchall()
    assert [row["low_water"] for row in rows] == [4, 3]


def test_a_range_that_cannot_be_granted_is_an_error_and_grants_nothing(data: Path, shop: Town) -> None:
    numbers = a_range(30)
    refused = grant(data, shop, "XX-12345678", numbers[0])
    assert isinstance(refused.exception, GrantError)
    assert grant(data, shop, numbers[0], numbers[5], "--branch", "Not A Slug").exit_code == 1
    assert listed(data, shop) == []
