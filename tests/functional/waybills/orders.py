"""Orders as a merchant sends them, and those of one buyer in one parcel."""

from __future__ import annotations

from typing import Any

from tests import canaries
from tests.world import Actor, Tokens, Town, unique


def order(town: Town, tokens: Tokens, network: str = "douyin", **more: Any) -> dict[str, Any]:
    return {"network": network, "carrier": town.carrier_slug, "recipient": tokens.as_recipient(), **more}


def own_number() -> str:
    """A number that a merchant brings."""
    return unique("SF").upper()


def merge(by: Actor, items: list[dict[str, Any]], **more: Any) -> list[dict[str, Any]]:
    """What each order is answered."""
    answer = by.post("/v1/waybills", {"merge": True, "items": items}, **more)
    assert answer.status_code in (201, 207, 422), answer.text
    made: list[dict[str, Any]] = answer.get_json()["items"]
    assert len(made) == len(items)
    return made


def twice(town: Town, **more: Any) -> list[dict[str, Any]]:
    """Two orders of one buyer, tokenised one by one."""
    someone = canaries.person()
    names = unique("a"), unique("b")
    return [order(town, town.tokenize(someone), order=name, **more) for name in names]
