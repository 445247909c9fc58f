"""Where a parcel's number comes from, and what outlives it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import canaries
from tests.functional.relay.conftest import Line, add_numbers
from tests.world import TurnedClock, World
from vault_gateway.relay.service import LIVES


@pytest.fixture
def alone(world: World, line: Line) -> Iterator[list[str]]:
    """Three numbers with one place each and none besides: of the recipients' city, of their province, of nowhere."""
    with world.admin() as conn:
        others = conn.execute(
            "update relay_number set retired_at = now() where mode = 'extension' and retired_at is null"
            " returning number"
        ).fetchall()
    numbers = [add_numbers(world, line.telecom, 1, "extension", places=1)[0] for _ in range(3)]
    with world.admin() as conn:
        for number, region in zip(numbers, ("杭州市", "浙江省", None), strict=True):
            conn.execute("update relay_number set region = %s where number = %s", (region, number))
    yield numbers
    with world.admin() as conn:
        conn.execute("update relay_number set retired_at = now() where number = any (%s)", (numbers,))
        conn.execute(
            "update relay_number set retired_at = null where number = any (%s)",
            ([row["number"] for row in others],),
        )


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
