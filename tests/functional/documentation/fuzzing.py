"""What the tests that send odd requests share: real ids to try, and whether an answer echoes what it was sent."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

import vault_gateway
from tests import canaries
from tests.responders import Desk
from tests.world import Actor, Tokens, Town
from vault_gateway.documentation.document import openapi_document

SOURCE = Path(vault_gateway.__file__).parent
# Shorter strings stand in some answer by chance.
LEAST_TELLING = 6


@dataclass(frozen=True)
class RealValues:
    """What random ids would never hit: a town's ids by the parameter or field that takes them."""

    tokens: Tokens
    named: Mapping[str, list[str]]

    def within(self, value: Any, choose: Callable[[list[str]], str | None]) -> Any:
        """A copy in which `choose` may have put real ids; None from it keeps what was there."""
        if isinstance(value, list):
            return [self.within(inner, choose) for inner in value]
        if not isinstance(value, dict):
            return value
        if value.keys() == self.tokens.as_recipient().keys():
            return self.tokens.as_recipient() if choose(["recipient"]) else value
        return {name: self._one(name, inner, choose) for name, inner in value.items()}

    def _one(self, name: str, value: Any, choose: Callable[[list[str]], str | None]) -> Any:
        if name == "tokens" and isinstance(value, list):
            return [choose([self.tokens.phone]) or inner for inner in value]
        if isinstance(value, str) and name in self.named:
            return choose(self.named[name]) or value
        return self.within(value, choose)


def real_values(town: Town) -> RealValues:
    """Parcels in two states, their tokens, a grant, an event."""
    order = {"order": "SO-1024", "items": canaries.items_of(canaries.person())}
    tokens = Tokens(*(item["token"] for item in town.merchant.post("/v1/tokens", order).get_json()["items"]))
    created, out = town.waybill(tokens, order="SO-1024"), town.out_for_delivery(tokens)
    grant = town.courier.post("/v1/reveals", {"waybill_no": out, "purpose": "deliver"})
    assert grant.status_code == 201, grant.text
    event = town.world.actor("auditor").get("/v1/audit/events?limit=1").get_json()["items"][0]
    named = {
        "token": list(tokens.as_recipient().values()),
        "waybill_no": [created, out],
        "reveal": [grant.get_json()["reveal_id"]],
        "order": ["SO-1024"],
        "event": [event["id"]],
        "carrier": [town.carrier_slug],
        "network": ["douyin"],
        "courier": [town.courier.name],
        "handle": [town.courier.name],
        "station": [town.station_slug],
        "platform": [town.platform_slug],
        "merchant": [town.merchant_slug],
    }
    return RealValues(tokens, named)


def strict_document() -> dict[str, Any]:
    """The document, but an answer may hold nothing that is not documented."""
    document = copy.deepcopy(openapi_document())
    for schema in document["components"]["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return document


def everyone(town: Town) -> dict[str, Actor]:
    """A caller of each role: with a key, and the responder by JWT."""
    return {
        "platform": town.platform,
        "merchant": town.merchant,
        "carrier": town.carrier,
        "station": town.station,
        "courier": town.courier,
        **{role: town.world.actor(role) for role in ("telecom", "auditor", "operator")},
        "responder": Desk(town.world).responder(),
    }


def strings_of(value: Any) -> Iterator[str]:
    """Every string in it, names of fields too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield str(name)
            yield from strings_of(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from strings_of(inner)


def said_of_failures(status: int, mimetype: str, body: bytes) -> str:
    """The text in which an answer speaks of failures: a problem as a whole; of a batch each item's error. A batch
    item also has the caller's own `ref` or `waybill_no`, by which the caller finds it again."""
    if mimetype == "application/json" and body:
        answer = orjson.loads(body)
        items = answer.get("items", []) if isinstance(answer, dict) else []
        return "\n".join(strings_of([item["error"] for item in items if "error" in item]))
    if status < 400:
        return ""
    parsed = "\n".join(strings_of(orjson.loads(body))) if mimetype.endswith("json") else ""
    return f"{body.decode()}\n{parsed}"


def vocabulary_of(document: Mapping[str, Any]) -> frozenset[str]:
    """What an answer may say of its own: the words of the document and the texts of the program. Hypothesis finds
    those in the source too, and sends them."""
    texts = list(strings_of(document))
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
    return frozenset(word for text in texts for word in (text, *re.findall(r"[\w-]+", text)))


def echoed(submitted: Iterable[str], said: str, vocabulary: frozenset[str]) -> list[str]:
    """The submitted strings that stand in what was said, apart from what it may say of its own."""
    return [
        text for text in submitted if len(text) >= LEAST_TELLING and text not in vocabulary and text in said
    ]


def with_each_string_replaced(value: Any, by: str) -> Iterator[Any]:
    """Copies in which one string, or the name of one field, is `by`."""
    if isinstance(value, str):
        yield by
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield {by if other == name else other: kept for other, kept in value.items()}
            for changed in with_each_string_replaced(inner, by):
                yield {**value, name: changed}
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            for changed in with_each_string_replaced(inner, by):
                yield [*value[:at], changed, *value[at + 1 :]]
