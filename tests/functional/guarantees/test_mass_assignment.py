"""Nobody sets what is not theirs to set: a field that a body does not have is refused wherever it stands in it, before
anything is read or written, whoever sends it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import orjson
import pytest

from tests.functional.guarantees.asking import Meter, metered, send
from tests.functional.guarantees.conftest import Grounds
from tests.functional.guarantees.requests import SAMPLES, UNDER_A_KEY, Request, Sample, fill
from tests.functional.guarantees.values import good_values
from tests.functional.reveals.steps import issued
from tests.world import Actor

SMUGGLED: Mapping[str, Any] = {
    "tenant_id": "00000000-0000-0000-0000-000000000000",
    "id": "01a1c99e-f400-72bf-8221-c4ef8e3478c9",
    "state": "delivered",
    "approved_by": "jwt:x:somebody",
    "approver": "jwt:x:somebody",
    "requester": "jwt:x:somebody",
    "created_at": "2026-01-01T00:00:00Z",
    "expires_at": "2099-01-01T00:00:00Z",
    "released": 0,
    "role": "operator",
    "principal": "key:somebody",
    "holder": "somebody",
    "issuer": "x",
    "suspended": False,
    "origin": "platform",
    "platform": "jd",
    "merchant": "silk",
    "carrier": "yto",
    "policies": [],
    "masked": "x",
    "__class__": "x",
}
# Here a body has items, which are refused each by itself.
REFUSED_BY_ITEM = {
    "create_tokens": "item_invalid",
    "create_waybills": "validation_failed",
    "issue_reveals": "validation_failed",
}


@pytest.fixture(scope="module")
def meter() -> Iterator[Meter]:
    with metered() as meter:
        yield meter


def with_one_more(value: Any, name: str, smuggled: Any) -> Iterator[Any]:
    """Copies in which one of the objects, the outermost or one within, has a further field."""
    if isinstance(value, dict):
        if name not in value:
            yield {**value, name: smuggled}
        for key, inner in value.items():
            for changed in with_one_more(inner, name, smuggled):
                yield {**value, key: changed}
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            for changed in with_one_more(inner, name, smuggled):
                yield [*value[:at], changed, *value[at + 1 :]]


def of_its_body(name: str, field: str) -> bool:
    """Is it a field that some body of the operation has, at whatever place?"""
    return any(f'"{field}":'.encode() in orjson.dumps(one.body) for one in SAMPLES[name])


def smuggling(name: str, one: Sample, asked: Request, fields: Mapping[str, Any]) -> Iterator[Request]:
    for field, smuggled in fields.items():
        if one.body is not None and not of_its_body(name, field) and field not in TAKEN.get(name, ()):
            for body in with_one_more(asked.body, field, smuggled):
                yield replace(asked, body=body)
        of_a_query = UNDER_A_KEY[name].query is not None and field not in asked.query
        if of_a_query and field not in TAKEN.get(name, ()):
            yield replace(asked, query={**asked.query, field: str(smuggled)})


# Optional fields that the sample leaves out.
TAKEN: Mapping[str, tuple[str, ...]] = {
    "bind": ("expires_at",),
    "list_waybills": ("state", "platform", "merchant"),
    "list_events": ("role", "carrier"),
    "export_events": ("role", "carrier"),
    "get_usage": ("platform", "merchant", "carrier"),
    "get_flows": ("state", "carrier"),
}


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_field_that_is_not_the_callers_to_set_is_refused(grounds: Grounds, meter: Meter, name: str) -> None:
    operation = UNDER_A_KEY[name]
    for at, role in enumerate(operation.roles):
        # Who else may send it sends the same shape: a few will do.
        fields = SMUGGLED if at == 0 else {field: SMUGGLED[field] for field in ("tenant_id", "state", "role")}
        who = grounds.own.people[role]
        for one in SAMPLES[name]:
            good = fill(operation, one, good_values(operation, one, role, grounds.own))
            for asked in smuggling(name, one, good, fields):
                assert_refused(meter, who, name, asked)


def assert_refused(meter: Meter, who: Actor, name: str, asked: Request) -> None:
    for _ in range(4):
        work = meter.begin()
        answer = send(who, asked)
        body = answer.get_json()
        if name in REFUSED_BY_ITEM and "items" in body:
            # The item that was tampered with made nothing; the others are carried out as if it were not there.
            codes = [item.get("error", {}).get("code") for item in body["items"]]
            assert codes.count(REFUSED_BY_ITEM[name]) == 1, (asked, answer.text)
            return
        assert answer.status_code == 422, (asked, answer.text)
        assert body["code"] == "validation_failed", answer.text
        # At most who calls was asked for: nothing that a transaction could have written.
        if work.statements <= 1 and work.vault == 0:
            return
    raise AssertionError(f"{name} did {work} before it refused {asked}")


def test_what_is_smuggled_into_an_address_is_refused(grounds: Grounds) -> None:
    address = {"province": "浙江省", "city": "杭州市", "district": "西湖区", "detail": "1号"}
    for field, smuggled in SMUGGLED.items():
        items = [{"kind": "address", "value": {**address, field: smuggled}}]
        answer = grounds.own.people["merchant"].post("/v1/tokens", {"items": items})
        assert answer.status_code == 422, field
        assert answer.get_json()["items"][0]["error"]["code"] == "address_unknown_field", field


def test_what_takes_no_body_takes_nothing_from_one(grounds: Grounds) -> None:
    """The caller's words about the outcome count for nothing."""
    town = grounds.own.town
    body = {name: value for name, value in SMUGGLED.items() if name != "__class__"}
    cancelled = town.merchant.post(f"/v1/waybills/{town.waybill()}/cancel", body).get_json()
    assert (cancelled["state"], cancelled["carrier"]) == ("cancelled", town.carrier_slug)
    reveal = issued(town.courier, town.out_for_delivery())
    revoked = town.carrier.post(f"/v1/reveals/{reveal}/revoke", body).get_json()
    assert (revoked["state"], revoked["released"], revoked["reveal_id"]) == ("revoked", 0, reveal)
