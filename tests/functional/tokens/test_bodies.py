"""Whatever is sent, the answer is a problem with a stable code, and it never repeats what was sent."""

from __future__ import annotations

import gzip
import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from tests import canaries
from tests.functional.tokens.steps import tokenize
from tests.world import Actor, Town, World

CODES = {
    400: {"invalid_json", "bad_request"},
    404: {"not_found"},
    405: {"method_not_allowed"},
    413: {"body_too_large"},
    415: {"unsupported_media_type"},
    422: {"validation_failed", "merchant_required", "idempotency_key_invalid", "phone_invalid", "phone_extension",
          "value_invalid_type", "value_too_long", "value_empty", "value_masked", "value_bad_characters",
          "name_invalid", "address_unparsed", "address_incomplete", "address_region_invalid",
          "address_unknown_field", "address_country_invalid", "address_postcode_invalid"},
}  # fmt: skip
PATHS = ("/v1/tokens", "/v1/tokens/lookup", "/v1/tokens/search", "/v1/tokens/match")


def assert_problem(answer: TestResponse, status: int, code: str) -> None:
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json"), answer.text
    problem = answer.get_json()
    assert {"type", "title", "status", "code", "detail", "request_id"} <= problem.keys()
    assert (problem["status"], problem["code"], problem["type"]) == (
        status,
        code,
        f"urn:vault-gateway:error:{code}",
    )


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"{", 400, "invalid_json"),
        (b"[]", 400, "invalid_json"),
        (b'{"items": [{"kind": "name", "value": "\\ud800"}]}', 400, "invalid_json"),
        (b'{"items": [{"kind": "name", "value": "\xff"}]}', 400, "invalid_json"),
        (b'{"items": [{"kind": "name", "value": "a", "value": "b"}]}', 400, "invalid_json"),
        (b'{"items": ' + b"[" * 500 + b"]" * 500 + b"}", 400, "invalid_json"),
        (b"{}", 422, "validation_failed"),
        (b"", 422, "validation_failed"),
        (b'{"items": 1, "tokens": 1, "kind": 1, "recipients": 1}', 422, "validation_failed"),
        (b'{"items": [], "tokens": [], "kind": [], "recipients": []}', 422, "validation_failed"),
        (b'{"items": ' + b"9" * 5000 + b"}", 400, "invalid_json"),
        (b'{"items": ' + b"9" * 300 + b"}", 422, "validation_failed"),
    ],
)
def test_a_bad_body_has_its_code(town: Town, path: str, data: bytes, status: int, code: str) -> None:
    assert_problem(town.merchant.post(path, data=data), status, code)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "type_", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_another_content_type_is_refused(town: Town, path: str, type_: str) -> None:
    answer = town.merchant.post(path, data=b"{}", headers={"Content-Type": type_})
    assert_problem(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "more",
    [
        {"merchant": "M"}, {"merchant": ""}, {"merchant": 5}, {"merchant": "m\x00"}, {"merchant": "m" * 41},
        {"platform": ["p"]}, {"order": "a b"}, {"order": "x" * 65}, {"order": 1e300}, {"order": "单"},
        {"order": "a\n"}, {"order": None}, {"unknown": 1},
    ],
)  # fmt: skip
def test_fields_beside_the_items_are_checked(town: Town, more: dict[str, Any]) -> None:
    answer = town.merchant.post(
        "/v1/tokens", {"items": [{"kind": "phone", "value": canaries.phone()}], **more}
    )
    assert_problem(answer, 422, "validation_failed")


def test_the_name_of_an_unknown_field_is_not_repeated(town: Town) -> None:
    phone = canaries.phone()
    recipient = {"name": "x", "phone": phone, "address": "y", phone: 1}
    for path, body in (
        ("/v1/tokens", {"items": [1], phone: 1}),
        ("/v1/tokens/match", {"recipients": [recipient]}),
        ("/v1/tokens/search", {"kind": phone, phone: phone, "cursor": phone, "limit": phone}),
    ):
        answer = town.merchant.post(path, body)
        assert_problem(answer, 422, "validation_failed")
        assert phone not in answer.text
        assert answer.get_json()["errors"]


def test_more_than_ten_thousand_items_are_refused(town: Town) -> None:
    assert_problem(town.merchant.post("/v1/tokens", {"items": [0] * 10_001}), 422, "validation_failed")
    assert_problem(
        town.merchant.post("/v1/tokens/lookup", {"tokens": ["x"] * 10_001}), 422, "validation_failed"
    )
    assert_problem(
        town.merchant.post("/v1/tokens/match", {"recipients": [{}] * 1001}), 422, "validation_failed"
    )


def test_a_compressed_body_is_415(town: Town) -> None:
    body = gzip.compress(b'{"items": []}')
    answer = town.merchant.post("/v1/tokens", data=body, headers={"Content-Encoding": "gzip"})
    assert_problem(answer, 415, "unsupported_media_type")


def test_a_body_beyond_the_limit_is_413(town: Town, world: World) -> None:
    small = Actor(world.gateway(max_body_bytes=1000), town.merchant.key, town.merchant.name)
    padding = " " * 1000
    assert_problem(small.post("/v1/tokens", data=b'{"items": []}' + padding.encode()), 413, "body_too_large")
    assert_problem(small.post("/v1/tokens", {"items": [padding]}), 413, "body_too_large")
    tokenize(small, {"kind": "phone", "value": canaries.phone()})


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_another_method_is_405_or_404(town: Town, method: str) -> None:
    answer = town.merchant.call(method, "/v1/tokens")
    assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"]


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/tokens/a/b", "/%00", "/v1/orders/"])
def test_an_unknown_address_is_not_repeated(town: Town, path: str) -> None:
    phone = canaries.phone()
    answer = town.merchant.get(f"{path}?q={phone}")
    assert_problem(answer, 404, "not_found")
    assert phone not in answer.text


@pytest.mark.parametrize(
    "query", ["merchant=%ff", "merchant=a&merchant=b", "x=1", "limit=x", "limit=0", "cursor=1"]
)
def test_a_bad_query_is_refused(town: Town, query: str) -> None:
    assert_problem(town.merchant.get(f"/v1/orders/x?{query}"), 422, "validation_failed")


def send(url: str, key: str, body: Any, **headers: str) -> tuple[int, str, bytes]:
    """As a client that speaks HTTP by hand: chunked where `body` is an iterator."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port or 0, timeout=15)
    try:
        connection.request(
            "POST",
            "/v1/tokens",
            body=body,
            headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json", **headers},
            encode_chunked=not isinstance(body, bytes),
        )
        answer = connection.getresponse()
        return answer.status, answer.headers.get_content_type(), answer.read()
    finally:
        connection.close()


def test_a_real_server_takes_chunks_and_stops_at_the_limit(town: Town, world: World) -> None:
    whole = json.dumps({"items": [{"kind": "phone", "value": canaries.phone()}]}).encode()
    with world.served(max_body_bytes=20_000) as url:
        chunked = {"Transfer-Encoding": "chunked"}
        status, _, data = send(url, town.merchant.key, iter([whole[:10], whole[10:]]), **chunked)
        assert status == 201, data
        for body, headers in (
            (iter([b" " * 5000] * 8), chunked),
            # Whole and good up to the limit, so that cutting it there would go unseen.
            (iter([whole, b" " * 19_000, b" " * 5000, b"!"]), chunked),
            (b" " * 40_000, {}),
        ):
            status, type_, data = send(url, town.merchant.key, body, **headers)
            assert (status, type_) == (413, "application/problem+json"), data
            assert json.loads(data)["code"] == "body_too_large"
        status, type_, data = send(url, town.merchant.key, b"{", **{"Content-Length": "1"})
        assert (status, json.loads(data)["code"]) == (400, "invalid_json")


planted = st.sampled_from([canaries.phone(), canaries.name(), canaries.detail()])
leaves = st.one_of(
    planted,
    planted.map(lambda value: f"x{value}\x00"),
    planted.map(lambda value: value * 20),
    st.sampled_from(["phone", "name", "address", "CN", "1234", "", None, True, -1, 1.5, 10**30]),
)
names = st.one_of(
    planted,
    st.sampled_from(
        ["items", "kind", "value", "region", "order", "merchant", "platform", "tokens", "recipients", "last4",
         "cursor", "limit", "name", "phone", "address", "detail", "province", "city", "text", "country"]
    ),
)  # fmt: skip
anything = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=4)),
    max_leaves=12,
)
items = st.fixed_dictionaries(
    {"kind": st.sampled_from(["phone", "name", "address", "x"]), "value": anything},
    optional={"region": leaves, "extra": anything},
)
bodies = st.one_of(
    st.dictionaries(names, anything, max_size=5),
    st.fixed_dictionaries({"items": st.lists(st.one_of(items, anything), min_size=1, max_size=4)}),
    st.fixed_dictionaries({"kind": st.sampled_from(["phone", "name", "address"]), "value": anything}),
    st.fixed_dictionaries({"tokens": st.lists(anything, max_size=3)}),
    st.fixed_dictionaries({"recipients": st.lists(anything, max_size=3)}),
)


@given(path=st.sampled_from(PATHS), body=bodies)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_answer_repeats_what_was_sent(town: Town, path: str, body: dict[str, Any]) -> None:
    answer = town.merchant.post(path, data=json.dumps(body).encode())
    assert not list(canaries.leaks(answer.data)), answer.text
    assert not list(canaries.leaks(str(answer.headers).encode()))
    if answer.mimetype == "application/json":
        assert answer.status_code in (200, 201, 207, 422)
        return
    assert answer.mimetype == "application/problem+json"
    assert answer.get_json()["code"] in CODES[answer.status_code] | {"rate_limited"}
