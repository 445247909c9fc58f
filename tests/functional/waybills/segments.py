"""What tests of number segments share: ranges that no other test has, granted as an operator would."""

from __future__ import annotations

from typing import Any

from tests.functional.waybills.orders import order
from tests.unit.networks.shipped import networks
from tests.world import Actor, Tokens, Town, World
from vault_gateway.model import Tenant
from vault_gateway.networks.granting import Grant, grant
from vault_gateway.networks.network import Segment

_next = {"at": 1_000_000}


def segment_of(network: str = "douyin", carrier: str = "yto") -> Segment:
    return next(one for one in networks()[network].segments if one.carrier == carrier)


def a_range(size: int, network: str = "douyin", carrier: str = "yto") -> list[str]:
    """`size` numbers in a row."""
    span = segment_of(network, carrier).numbers
    start = span.first + _next["at"]
    _next["at"] += size + 10
    return [span.number(start + at) for at in range(size)]


def granted(
    world: World, town: Town, size: int, *, network: str = "douyin", carrier: str = "yto", **more: Any
) -> list[str]:
    """The numbers of a new segment of the town's merchant with the town's carrier."""
    numbers = a_range(size, network, carrier)
    with world.admin() as conn:
        wanted = Grant(
            Tenant(town.platform_slug, town.merchant_slug),
            numbers[0],
            numbers[-1],
            more.pop("branch", "main"),
            town.carrier_slug,
            **more,
        )
        grant(conn, networks(), wanted, world.clock())
    return numbers


def batch(town: Town, tokens: Tokens, count: int, **more: Any) -> list[dict[str, Any]]:
    """The answer's items of `count` orders at once."""
    answer = town.merchant.post("/v1/waybills", {"items": [order(town, tokens, **more)] * count})
    assert answer.status_code in (201, 207, 422), answer.text
    return list(answer.get_json()["items"])


def numbers_of(items: list[dict[str, Any]]) -> list[str]:
    return [item["waybill_no"] for item in items if "error" not in item]


def balance(by: Actor, query: str = "") -> dict[str, Any]:
    """The only segment's."""
    answer = by.get(f"/v1/segments{query}")
    assert answer.status_code == 200, answer.text
    [only] = answer.get_json()["items"]
    return dict(only)


def counts(by: Actor) -> tuple[int, int, int, int]:
    told = balance(by)
    return told["available"], told["issued"], told["cancelled"], told["recycled"]
