"""An event's commitment holds for what comes back from the database, and for nothing else."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

import orjson
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from tests.world import World
from vault_gateway.audit.event import Event, commitment, event_body
from vault_gateway.model import Caller, Principal, Role

# jsonb takes no NUL and no lone surrogate; nor does a body hold either, for every field of it is checked before.
texts = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=40)
numbers = st.integers(-(2**63), 2**63 - 1)
bodies = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
events = st.builds(
    Event,
    action=texts,
    reason=st.none() | texts,
    policies=st.lists(texts, max_size=3),
    resource=st.none() | texts,
    orders=st.lists(texts, max_size=3),
    fields=st.lists(texts, max_size=3),
    detail=st.dictionaries(texts, texts | numbers, max_size=4),
)


def through_jsonb(conn: psycopg.Connection[Any], body: object) -> Any:
    row = conn.execute("select %s::jsonb", (Jsonb(body),)).fetchone()
    assert row is not None
    return row[0]


@pytest.fixture(scope="module")
def database(world: World) -> Any:
    with psycopg.connect(world.settings.database_url, autocommit=True) as conn:
        yield conn


@given(body=st.dictionaries(texts, bodies, max_size=6))
@settings(deadline=None)
def test_jsonb_gives_back_what_was_committed_to(
    database: psycopg.Connection[Any], body: dict[str, Any]
) -> None:
    salt = secrets.token_bytes(16)
    assert commitment(salt, through_jsonb(database, body)) == commitment(salt, body)


@given(event=events)
@settings(deadline=None)
def test_an_event_read_back_has_its_commitment(database: psycopg.Connection[Any], event: Event) -> None:
    caller = Caller(Principal("key:a", Role.AUDITOR), "r", None)
    body = event_body(event, caller, None, "id", datetime.now(UTC))
    salt = secrets.token_bytes(16)
    assert commitment(salt, through_jsonb(database, body)) == commitment(salt, body)


@given(body=st.dictionaries(texts, bodies, max_size=6), order=st.randoms())
def test_the_order_of_keys_does_not_count(body: dict[str, Any], order: Any) -> None:
    names = list(body)
    order.shuffle(names)
    assert commitment(b"s" * 16, {name: body[name] for name in names}) == commitment(b"s" * 16, body)


@given(one=st.dictionaries(texts, bodies, max_size=4), other=st.dictionaries(texts, bodies, max_size=4))
def test_another_body_or_another_salt_is_another_commitment(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    same = orjson.dumps(one, option=orjson.OPT_SORT_KEYS) == orjson.dumps(other, option=orjson.OPT_SORT_KEYS)
    assert (commitment(b"s" * 16, one) == commitment(b"s" * 16, other)) == same
    assert commitment(b"s" * 16, one) != commitment(b"t" * 16, one)


def test_a_number_that_json_programs_read_differently_is_refused() -> None:
    with pytest.raises(TypeError):
        commitment(b"s" * 16, {"count": 2**64})
