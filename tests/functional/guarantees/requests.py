"""A good request for every operation, in which each thing that it names stands as `{kind}`.

Complete against the OpenAPI document: an operation without an entry here, or a parameter or field that is neither
named as a reference nor as something else, fails `test_document.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from marshmallow import Schema, fields

from vault_gateway.documentation.document import OPERATIONS
from vault_gateway.documentation.operations import Operation

# What the parameter or field of this name refers to. `cursor` is of the list that it goes through.
REFERENCES: Mapping[str, str] = {
    "platform": "platform",
    "merchant": "merchant",
    "carrier": "carrier",
    "station": "station",
    "handle": "handle",
    "courier": "handle",
    "order": "order",
    "token": "token",
    "tokens": "token",
    "name": "name",
    "phone": "phone",
    "address": "address",
    "value": "value",
    "last4": "last4",
    "waybill_no": "waybill",
    "waybill": "waybill",
    "waybill_nos": "waybill",
    "branch": "branch",
    "reveal": "reveal",
    "break_glass": "break_glass",
    "binding": "binding",
    "webhook": "webhook",
    "notice": "notice",
    "event": "event",
    "cursor": "cursor",
    "called": "number",
    "extension": "extension",
    "call_id": "call",
    "actor": "actor",
}
# What refers to nothing that is anybody's: what is done, how much of it, when, and how it is written.
NO_REFERENCES = frozenset(
    {"network", "kind", "limit", "state", "since", "type", "deliver_by", "at", "relay", "format", "size", "dpi", "url",
     "events", "month", "by", "purpose", "fields", "public_key", "claim", "ack_code", "reason", "mode", "expires_at",
     "medium", "caller", "text", "template", "language", "params", "role", "action", "outcome", "from", "to", "items",
     "recipient", "sender", "recipients", "origin", "destination", "time",
     "suspended", "merge"}
)  # fmt: skip
# Of one operation something else than what its name says elsewhere.
_ELSEWHERE = {
    ("get_label", "extension"): None,
    ("list_waybills", "courier"): None,
    ("create_webhook", "events"): None,
    ("register_courier", "phone"): None,
    ("print_labels", "size"): None,
    # A line's own words.
    ("get_flows", "cursor"): None,
}

_RECIPIENT = {"name": "{name}", "phone": "{phone}", "address": "{address}"}
_TENANT = {"platform": "{platform}", "merchant": "{merchant}"}


@dataclass(frozen=True)
class Sample:
    """`path` names the kind of a path's parameter where its name alone does not; `text` is a body that is no JSON."""

    body: Any = None
    query: Mapping[str, str] = field(default_factory=dict)
    path: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None


_ORDER = {"network": "douyin", "carrier": "{carrier}", "recipient": _RECIPIENT}
_QUESTION = {
    "actor": "{actor}",
    "waybill": "{waybill}",
    "order": "{order}",
    "token": "{token}",
    "carrier": "{carrier}",
    "station": "{station}",
}

SAMPLES: Mapping[str, tuple[Sample, ...]] = {
    "create_tokens": (
        Sample({**_TENANT, "order": "{order}", "items": [{"kind": "phone", "value": "{value}"}]}),
    ),
    "get_token": (Sample(query=_TENANT),),
    "erase_token": (Sample(query=_TENANT),),
    "look_up_tokens": (Sample({**_TENANT, "tokens": ["{token}", "{token}"]}),),
    "search_tokens": (
        Sample({**_TENANT, "kind": "phone", "value": "{value}"}),
        Sample({**_TENANT, "kind": "phone", "last4": "{last4}", "cursor": "{token_cursor}"}),
    ),
    "match_tokens": (Sample({**_TENANT, "recipients": [_RECIPIENT, _RECIPIENT]}),),
    "get_order": (Sample(query={**_TENANT, "cursor": "{token_cursor}"}),),
    "search_counter": (Sample({"last4": "{last4}"}),),
    "create_waybills": (
        Sample({**_TENANT, **_ORDER, "order": "{order}", "branch": "{branch}"}),
        Sample({**_TENANT, **_ORDER, "sender": _RECIPIENT, "waybill_no": "{waybill}"}),
        Sample({**_TENANT, "items": [_ORDER, {**_ORDER, "order": "{order}", "branch": "{branch}"}]}),
        Sample({**_TENANT, "items": [{**_ORDER, "sender": _RECIPIENT, "waybill_no": "{waybill}"}]}),
        Sample(
            {
                **_TENANT,
                "merge": True,
                "items": [_ORDER, {**_ORDER, "order": "{order}", "sender": _RECIPIENT}],
            }
        ),
    ),
    "list_waybills": (
        Sample(query={**_TENANT, "order": "{order}", "cursor": "{waybill_cursor}"}),
        Sample(query={"cursor": "{waybill_cursor}"}),
    ),
    "get_waybill": (Sample(),),
    "cancel_waybill": (Sample(path={"waybill_no": "created"}),),
    "correct_waybill": (Sample({"recipient": _RECIPIENT}, path={"waybill_no": "created"}),),
    "record_event": (
        Sample({"type": "out_for_delivery", "courier": "{handle}"}, path={"waybill_no": "accepted"}),
        Sample({"type": "at_station", "station": "{station}"}, path={"waybill_no": "accepted"}),
    ),
    "get_label": (Sample(path={"extension": "zpl"}),),
    "print_labels": (Sample({"waybill_nos": ["{waybill}", "{waybill}"], "format": "pdf"}),),
    "list_segments": (Sample(query=_TENANT),),
    "create_webhook": (Sample({"url": "https://shop.example/parcels"}),),
    "list_webhooks": (Sample(),),
    "remove_webhook": (Sample(),),
    "get_usage": (
        Sample(query={**_TENANT, "month": "2026-11", "carrier": "{carrier}"}),
        Sample(query={"month": "2026-11", "carrier": "{carrier}"}),
    ),
    "get_flows": (
        Sample(query={"from": "2026-11-01", "to": "2026-11-30", "by": "origin", "carrier": "{carrier}"}),
    ),
    "replace_routes": (Sample(text="region,code\n浙江省,Z1\n"),),
    "register_courier": (Sample({"handle": "{handle}", "station": "{station}"}),),
    "list_couriers": (Sample(query={"carrier": "{carrier}", "cursor": "{courier_cursor}"}),),
    "remove_courier": (Sample(),),
    "resume_courier": (Sample({"carrier": "{carrier}"}),),
    "issue_reveals": (
        Sample({"waybill_no": "{waybill}", "purpose": "deliver"}),
        Sample({"waybill_no": "{waybill}", "purpose": "sort", "claim": True}),
        Sample({"items": [{"waybill_no": "{waybill}", "purpose": "contact"}] * 2}),
    ),
    "claim_reveal": (Sample({}),),
    "acknowledge_reveal": (Sample({"ack_code": "guessed"}),),
    "revoke_reveal": (Sample(),),
    "get_reveal": (Sample(),),
    "request_break_glass": (
        Sample({"waybill_no": "{waybill}", "reason": "It leaks and smells"}),
        Sample({"token": "{token}", "reason": "It leaks and smells"}),
    ),
    "approve_break_glass": (Sample({"reason": "Called, it is true"}),),
    "list_break_glass": (Sample(query={"cursor": "{break_glass_cursor}"}),),
    "get_break_glass": (Sample(),),
    "get_pool": (Sample(),),
    "bind": (Sample({"waybill_no": "{waybill}"}), Sample({"waybill_no": "{waybill}", "mode": "axb"})),
    "get_binding": (Sample(),),
    "release": (Sample(),),
    "route_call": (
        Sample(
            {
                "call_id": "{call}",
                "medium": "voice",
                "caller": "",
                "called": "{number}",
                "extension": "{extension}",
            }
        ),
    ),
    "take_record": (Sample({"call_id": "{call}", "type": "ring", "at": "2026-11-11T00:00:00Z"}),),
    "send_notice": (
        Sample({"waybill_no": "{waybill}", "template": "courier_on_the_way", "params": {"minutes": 9}}),
    ),
    "get_notice": (Sample(),),
    "list_events": (
        *(Sample(query={name: value}) for name, value in _QUESTION.items()),
        Sample(query={"cursor": "{event_cursor}"}),
    ),
    "get_event": (Sample(),),
    "export_events": tuple(
        Sample(query={"format": "jsonl", name: value}) for name, value in _QUESTION.items()
    ),
}

UNDER_A_KEY: Mapping[str, Operation] = {o.name: o for o in OPERATIONS if o.secured}


def kind_of(operation: Operation, name: str) -> str | None:
    """What a parameter or field refers to; None for nothing. KeyError where nobody has said."""
    if (operation.name, name) in _ELSEWHERE:
        return _ELSEWHERE[operation.name, name]
    return None if name in NO_REFERENCES else REFERENCES[name]


def fields_of(shape: type[Schema] | Schema, *, above: str = "") -> Iterator[str]:
    """Paths of all fields: `recipient/name`, `items/recipient/name`, `tokens`."""
    schema = shape() if isinstance(shape, type) else shape
    for name, one in schema.fields.items():
        path = f"{above}{one.data_key or name}"
        yield path
        inner = one.inner if isinstance(one, fields.List) else one
        if isinstance(inner, fields.Nested):
            yield from fields_of(inner.schema, above=f"{path}/")


@dataclass(frozen=True)
class Place:
    """Where in a sample something is named, and what: `path`, `query` or `body` and the way to it."""

    where: str
    way: tuple[str | int, ...]
    kind: str

    def __str__(self) -> str:
        return "/".join(map(str, (self.where, *self.way)))


_REFERENCE = re.compile(r"\{(\w+)\}")


def places_of(operation: Operation, one: Sample) -> list[Place]:
    found = []
    for name in re.findall(r"{(\w+)}", operation.path):
        if kind_of(operation, name) is not None:
            found.append(Place("path", (name,), one.path.get(name) or _path_kind(operation, name)))
    found += [Place("query", way, kind) for way, kind in _within(dict(one.query))]
    found += [Place("body", way, kind) for way, kind in _within(one.body)]
    return found


def _path_kind(operation: Operation, name: str) -> str:
    kind = kind_of(operation, name)
    assert kind is not None
    return kind


def _within(value: Any, way: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, str) and (named := _REFERENCE.fullmatch(value)):
        yield way, named[1]
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _within(inner, (*way, name))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _within(inner, (*way, at))


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    text: str | None = None


def fill(operation: Operation, one: Sample, values: Mapping[Place, str]) -> Request:
    """The sample with a value in each place."""
    # Not copied: in a sample one recipient may stand in several places.
    path, query, body = operation.path, dict(one.query), orjson.loads(orjson.dumps(one.body))
    for place, value in values.items():
        if place.where == "path":
            path = path.replace(f"{{{place.way[0]}}}", value)
        elif place.where == "query":
            query[str(place.way[0])] = value
        else:
            at = body
            for step in place.way[:-1]:
                at = at[step]
            at[place.way[-1]] = value
    for name, literal in one.path.items():
        path = path.replace(f"{{{name}}}", literal)
    return Request(operation.method.upper(), path, query, body, one.text)
