"""One JSON object, in UTF-8, that every reader reads alike; anything else is refused without repeating it."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vault_gateway.bodies import MAX_DEPTH, json_object
from vault_gateway.errors import GatewayError

JSON = "application/json"

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False, width=32), st.text()
)
trees = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)),
)
objects = st.dictionaries(st.text(), trees, max_size=5)


def _depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(_depth, inner), default=0)


def refusal(raw: bytes, mimetype: str = JSON) -> tuple[int, str, str]:
    with pytest.raises(GatewayError) as refused:
        json_object(raw, mimetype)
    return refused.value.status, refused.value.code, refused.value.detail


@given(value=objects, indent=st.sampled_from([None, 0, 2]), escaped=st.booleans())
def test_an_object_is_read_however_it_is_written(value: Any, indent: int | None, escaped: bool) -> None:
    raw = json.dumps(value, indent=indent, ensure_ascii=escaped).encode("utf-8", "surrogatepass")
    try:
        expected = orjson.loads(raw)
    except orjson.JSONDecodeError:
        assert refusal(raw)[1] == "invalid_json"
        return
    if _depth(value) <= MAX_DEPTH:
        assert json_object(raw, JSON) == expected
    else:
        assert refusal(raw)[2] == "The body is nested too deeply."


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a": ":"}',
        b'{"a": ":b", "c": "\\":"}',
        b'{"\\"a\\":": 1}',
        b'{":": ":", "::": [":"]}',
        b'{"a" : 1, "b"\n:\t2}',
        b'{"a": {"a": {"a": 1}}, "b": [{"a": 1}, {"a": 2}]}',
        b'{"": ":"}',
    ],
)
def test_colons_and_quotes_are_no_names(raw: bytes) -> None:
    assert json_object(raw, JSON) == orjson.loads(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a": 1, "a": 2}',
        b'{"a": 1, "\\u0061": 2}',
        b'{"a": 1, "a": "\\u003a"}',
        b'{"x": {"a": 1, "b": ":", "a": 2}}',
        b'{"x": [[{"a" : 1, "a":2}]]}',
        b'{"a" : 1, "a" : 2, "b": ":"}',
        b'{"items": [{"kind": "phone", "value": "1", "value": "2"}]}',
        b'{"a": ' + b"9" * 300 + b', "a": 1}',
    ],
)
def test_a_name_that_stands_twice_is_refused(raw: bytes) -> None:
    assert refusal(raw) == (400, "invalid_json", "An object has the same name twice.")


@given(
    value=objects,
    name=st.text(alphabet='ab":\\ ', max_size=3),
    before_colon=st.sampled_from(["", " ", "\t", "\r\n"]),
    separators=st.sampled_from([(", ", ": "), (",", ":"), (" ,", " :")]),
)
def test_a_repeated_name_is_found_in_any_surroundings(
    value: dict[str, Any], name: str, before_colon: str, separators: tuple[str, str]
) -> None:
    rest = json.dumps(value, separators=separators).strip()[1:]
    written = json.dumps(name)
    twice = f"{{{written}:1,{written}{before_colon}:2{',' if value else ''}{rest}"
    try:
        orjson.loads(twice)
    except orjson.JSONDecodeError:
        return
    assert refusal(twice.encode())[1] == "invalid_json"


def nested(depth: int) -> bytes:
    return b'{"a":' * (depth - 1) + b"{}" + b"}" * (depth - 1)


def test_depth_ends_somewhere() -> None:
    assert json_object(nested(MAX_DEPTH), JSON)
    for deep in (nested(MAX_DEPTH + 1), b'{"a":' + b"[" * 900 + b"]" * 900 + b"}"):
        assert refusal(deep) == (400, "invalid_json", "The body is nested too deeply.")
    assert refusal(b'{"a":' + b"[" * 200_000)[:2] == (400, "invalid_json")
    assert refusal(b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}")[:2] == (400, "invalid_json")


@pytest.mark.parametrize(
    "raw",
    [
        b"x",
        b"[]",
        b'"text"',
        b"null",
        b"1",
        b"{",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 01}',
        b'{"a": 1e400}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b"{'a': 1}",
        b'{"a": 1,}',
        b'{"a": 1} {"b": 2}',
        b'{"a": "\xff\xfe"}',
        b'{"a": "\xed\xa0\x80"}',
        b'{"a": "\\ud800"}',
        b'{"a": "\\udc00\\ud800"}',
        b'{"a": "\x00"}',
        b'{"a": "\n"}',
        b"\xef\xbb\xbf{}",
        '{"a": 1}'.encode("utf-16"),
        '{"a": 1}'.encode("utf-32"),
        b"\x00",
        b" ",
    ],
)
def test_what_is_no_json_object_in_utf8_is_refused(raw: bytes) -> None:
    assert refusal(raw)[:2] == (400, "invalid_json")


@pytest.mark.parametrize("mimetype", ["", "text/json", "text/plain", "application/x-www-form-urlencoded"])
def test_json_is_sent_as_json(mimetype: str) -> None:
    assert refusal(b"{}", mimetype)[:2] == (415, "unsupported_media_type")


def test_nothing_at_all_is_an_empty_object() -> None:
    assert json_object(b"", "") == {}


@given(raw=st.binary(max_size=60))
@example(raw=b"{}")
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        read: object = json_object(raw, JSON)
    except GatewayError as refused:
        read = refused
    assert isinstance(read, dict) or (isinstance(read, GatewayError) and read.code == "invalid_json")
