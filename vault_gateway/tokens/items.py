"""Items of a bulk request: each is read by itself, and each has an answer of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from vault_gateway.model import Kind
from vault_gateway.tokens.ids import token_text
from vault_gateway.tokens.normalise import Normalised, Normaliser
from vault_gateway.tokens.text import ValueRefused

LONGEST_REF = 128
_FIELDS = frozenset({"kind", "value", "ref", "region"})
_KINDS = {kind.value: kind for kind in Kind}


# A token's id, or the code of an error.
Outcome = UUID | str


class Item(NamedTuple):
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
    if len(item) > 2 and not item.keys() <= _FIELDS:
        raise ValueRefused("item_invalid", "An item has a field that is not known here.")
    return kind


def _region_of(item: dict[str, Any]) -> str:
    if "region" not in item:
        return "CN"
    region = item["region"]
    if not (isinstance(region, str) and len(region) == 2 and region.isascii() and region.isupper()):
        raise ValueRefused("region_invalid", "region is an ISO 3166 code of two letters.")
    return region


def outcomes_of(items: Sequence[Item], ids: Sequence[UUID]) -> list[Outcome]:
    """What became of each item; `ids` go to the good ones in order."""
    remaining = iter(ids)
    return [next(remaining) if item.error is None else item.error.code for item in items]


def stored(outcomes: Sequence[Outcome]) -> list[str]:
    """Outcomes as they are kept for a repeated request: an id, or `!` and a code. Nothing of a value."""
    return [f"!{outcome}" if isinstance(outcome, str) else str(outcome) for outcome in outcomes]


def restored(texts: Sequence[str]) -> list[Outcome]:
    return [text[1:] if text[0] == "!" else UUID(text) for text in texts]


def made_before(items: Sequence[Item], outcomes: Sequence[Outcome]) -> list[UUID]:
    """Tokens of an earlier answer whose values are refused today, by a newer version of this program."""
    return [
        outcome
        for item, outcome in zip(items, outcomes, strict=True)
        if item.value is None and isinstance(outcome, UUID)
    ]


def answers_of(
    items: Sequence[Item], outcomes: Sequence[Outcome], masks: Mapping[UUID, str]
) -> list[dict[str, Any]]:
    """One answer an item, in order: `ref, token, kind, masked` or `ref, error`. All but the outcomes follows from
    the request, so a repeated one is answered alike; `masks` are those of `made_before`."""
    return [_answer(item, outcome, masks) for item, outcome in zip(items, outcomes, strict=True)]


def _answer(item: Item, outcome: Outcome, masks: Mapping[UUID, str]) -> dict[str, Any]:
    answer: dict[str, Any] = {} if item.ref is None else {"ref": item.ref}
    if isinstance(outcome, str):
        answer["error"] = {"code": outcome, "detail": _detail(item, outcome)}
        return answer
    assert item.kind is not None, "an item without a kind never got a token"
    answer["token"] = token_text(item.kind, outcome)
    answer["kind"] = item.kind
    answer["masked"] = masks.get(outcome, "") if item.value is None else item.value.masked
    return answer


def _detail(item: Item, code: str) -> str:
    if item.error is not None and item.error.code == code:
        return item.error.detail
    return "This item was refused when it was first sent."
