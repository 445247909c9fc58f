"""Items of a bulk request: each is read by itself, and each has an answer of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from vault_gateway.model import Kind
from vault_gateway.tokens.ids import token_text
from vault_gateway.tokens.normalise import Normalised, Normaliser, ValueRefused

LONGEST_REF = 128
_FIELDS = frozenset({"kind", "value", "ref", "region"})
_KINDS = {kind.value: kind for kind in Kind}


@dataclass(frozen=True, slots=True)
class Item:
    """An item after it was read: a kind and a value, or the reason why there is none."""

    ref: str | None
    kind: Kind | None
    value: Normalised | None
    error: ValueRefused | None


def read_item(normaliser: Normaliser, item: Any) -> Item:
    ref = kind = None
    try:
        if not isinstance(item, dict):
            raise ValueRefused("item_invalid", "An item is an object with kind and value.")
        ref = _ref_of(item)
        kind = _kind_of(item)
        value = normaliser.normalise(kind, item["value"], _region_of(item))
    except ValueRefused as refusal:
        return Item(ref, kind, None, refusal)
    return Item(ref, kind, value, None)


def _ref_of(item: dict[str, Any]) -> str | None:
    ref = item.get("ref")
    if ref is None or (isinstance(ref, str) and len(ref) <= LONGEST_REF and ref.isprintable()):
        return ref
    raise ValueRefused("ref_invalid", f"ref is at most {LONGEST_REF} printable characters.")


def _kind_of(item: dict[str, Any]) -> Kind:
    name = item.get("kind")
    kind = _KINDS.get(name) if isinstance(name, str) else None
    if kind is None or "value" not in item:
        raise ValueRefused("item_invalid", "kind is phone, address or name; value is needed.")
    if not item.keys() <= _FIELDS:
        raise ValueRefused("item_invalid", "An item has a field that is not known here.")
    return kind


def _region_of(item: dict[str, Any]) -> str:
    region = item.get("region", "CN")
    if not (isinstance(region, str) and len(region) == 2 and region.isascii() and region.isupper()):
        raise ValueRefused("region_invalid", "region is an ISO 3166 code of two letters.")
    return region


def outcomes_of(items: Sequence[Item], ids: Sequence[UUID]) -> list[str]:
    """What became of each item: the id of its token, or `!` and the code of its error. `ids` go to the good
    items in order. This much is stored for a repeated request, and nothing of a value."""
    remaining = iter(ids)
    return [str(next(remaining)) if item.error is None else f"!{item.error.code}" for item in items]


def made_before(items: Sequence[Item], outcomes: Sequence[str]) -> list[UUID]:
    """Tokens of an earlier answer whose values are refused today, by a newer version of this program."""
    return [
        UUID(outcome)
        for item, outcome in zip(items, outcomes, strict=True)
        if item.value is None and outcome[0] != "!"
    ]


def answers_of(
    items: Sequence[Item], outcomes: Sequence[str], masks: Mapping[UUID, str]
) -> list[dict[str, Any]]:
    """One answer an item, in order: `ref, token, kind, masked` or `ref, error`. All but the outcomes follows from
    the request, so a repeated one is answered alike; `masks` are those of `made_before`."""
    return [
        ({} if item.ref is None else {"ref": item.ref})
        | (_refusal(item, outcome[1:]) if outcome[0] == "!" else _made(item, UUID(outcome), masks))
        for item, outcome in zip(items, outcomes, strict=True)
    ]


def _refusal(item: Item, code: str) -> dict[str, Any]:
    detail = "This item was refused when it was first sent."
    if item.error is not None and item.error.code == code:
        detail = item.error.detail
    return {"error": {"code": code, "detail": detail}}


def _made(item: Item, token_id: UUID, masks: Mapping[UUID, str]) -> dict[str, Any]:
    assert item.kind is not None, "an item without a kind never got a token"
    masked = masks.get(token_id, "") if item.value is None else item.value.masked
    return {"token": token_text(item.kind, token_id), "kind": item.kind.value, "masked": masked}
