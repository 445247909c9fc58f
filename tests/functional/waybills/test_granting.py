"""Which ranges of numbers may be granted."""

from __future__ import annotations

import pytest

from tests.functional.waybills.segments import (
    a_range,
    granted,
    segment_of,
)
from tests.unit.networks.shipped import networks
from tests.world import Town, World, new_town
from vault_gateway.model import Tenant
from vault_gateway.networks.granting import Grant, GrantError, grant


@pytest.fixture
def wrong(town: Town) -> dict[str, tuple[str, str, str | None]]:
    numbers = a_range(10)
    ems = a_range(10, "cainiao", "ems")
    digit = str((int(ems[0][10]) + 1) % 10)
    return {
        "of different segments": (numbers[0], a_range(5, "cainiao")[0], town.carrier_slug),
        "below the first": (numbers[9], numbers[0], town.carrier_slug),
        "of a segment": ("XX-12345678", numbers[0], town.carrier_slug),
        "check digit": (ems[0][:10] + digit + "CN", ems[9], town.carrier_slug),
        "no carrier": (numbers[0], numbers[9], "nobody-here"),
    }


def test_a_range_that_cannot_be_granted(
    world: World, town: Town, wrong: dict[str, tuple[str, str, str | None]]
) -> None:
    tenant = Tenant(town.platform_slug, town.merchant_slug)
    with world.admin() as conn:
        for says, (first, last, carrier) in wrong.items():
            with pytest.raises(GrantError, match=says):
                grant(conn, networks(), Grant(tenant, first, last, "main", carrier), world.clock())
        numbers = a_range(3)
        nobody = Grant(Tenant("not-a-platform", "shop"), numbers[0], numbers[2], "main", town.carrier_slug)
        with pytest.raises(GrantError, match="no platform"):
            grant(conn, networks(), nobody, world.clock())


def test_a_number_is_granted_once_and_never_after_it_was_on_a_parcel(world: World, town: Town) -> None:
    taken, brought = granted(world, town, 10), a_range(10)
    other = new_town(world)
    used = other.waybill(waybill_no=brought[5])
    assert other.merchant.post(f"/v1/waybills/{used}/cancel").status_code == 200
    span = segment_of().numbers
    last = span.serial_of(taken[-1])
    assert last is not None
    tenant = Tenant(town.platform_slug, town.merchant_slug)

    def ask(first: str, end: str) -> None:
        with world.admin() as conn:
            grant(conn, networks(), Grant(tenant, first, end, "main", town.carrier_slug), world.clock())

    for first, end in ((taken[2], taken[3]), (taken[-1], span.number(last + 1)), (taken[0], taken[-1])):
        with pytest.raises(GrantError, match="granted already"):
            ask(first, end)
    with pytest.raises(GrantError, match="on a parcel"):
        ask(brought[0], brought[-1])
    ask(brought[6], brought[-1])
