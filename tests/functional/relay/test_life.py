"""Where a parcel's number comes from, and what outlives it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import canaries
from tests.functional.relay.conftest import Line
from tests.pool import add_numbers, no_numbers, retire_numbers
from tests.world import TurnedClock, World, unique
from vault_gateway.relay.service import LIVES


@pytest.fixture
def alone(world: World, line: Line) -> Iterator[list[str]]:
    """Three numbers with one place each and none besides: of the recipients' city, of their province, of nowhere."""
    telecom = unique("telecom")
    with no_numbers(world, "extension"):
        yield [
            number
            for region in ("杭州市", "浙江省", None)
            for number in add_numbers(world, telecom, 1, "extension", region=region, places=1)
        ]
        retire_numbers(world, telecom)


def test_the_recipients_city_comes_first_then_the_province_then_anywhere(
    line: Line, alone: list[str]
) -> None:
    body = {"network": "douyin", "carrier": line.town.carrier_slug, "relay": True}
    given = []
    for _ in range(4):
        body["recipient"] = line.town.tokenize(canaries.person()).as_recipient()
        relay = line.town.merchant.post("/v1/waybills", body).get_json()["relay"]
        given.append(relay.get("number") or relay["error"]["code"])
    assert given == [*alone, "relay_pool_exhausted"]


def test_a_call_in_progress_outlives_the_number(line: Line, clock: TurnedClock) -> None:
    clock.advance(seconds=LIVES.total_seconds() - 60)
    call = f"over-{line.extension}"
    made = line.call(line.courier_phone, line.extension, call_id=call).get_json()
    assert made["max_seconds"] == 3600
    assert line.record(call, "answer").status_code == 200
    clock.advance(minutes=10)
    assert line.call(line.courier_phone, line.extension).get_json()["reason"] == "expired"
    assert line.record(call, "end").status_code == 200
    [seen] = line.town.merchant.get(f"/v1/relay/bindings/{made['binding_id']}").get_json()["calls"]
    assert 599 <= seen["seconds"] <= 660
