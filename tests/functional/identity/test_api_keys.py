"""API keys: what is kept of them, for how long they are remembered, and names that are never used twice."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator

import pytest

from tests.world import World, unique
from vault_gateway.database import Database
from vault_gateway.identity import store
from vault_gateway.identity.api_keys import ApiKeys, new_key
from vault_gateway.identity.clients import ClientError
from vault_gateway.identity.memory import REMEMBER_S, Memory
from vault_gateway.model import utc_now


@pytest.fixture
def api_keys(world: World) -> Iterator[ApiKeys]:
    database = Database(world.settings.database_url, max_connections=2)
    database.open()
    yield ApiKeys(database, remember_at_most=10)
    database.close()


def test_the_database_has_only_a_digest_of_a_key(world: World) -> None:
    key = world.actor("operator").key
    assert key.encode() not in world.dump()
    assert key.removeprefix("vg_").encode().hex().encode() not in world.dump()


def test_a_name_is_never_used_twice_not_even_after_revocation(world: World) -> None:
    name = unique("once")
    world.actor("operator", name=name)
    with world.admin() as conn:
        assert store.revoke_client(conn, name, utc_now())
        assert not store.revoke_client(conn, name, utc_now())
    with pytest.raises(ClientError, match="never used twice"):
        world.actor("operator", name=name)
    with pytest.raises(ClientError, match="never used twice"):
        world.actor("auditor", name=name)


@pytest.mark.parametrize("role", ["platform", "auditor"])
def test_the_platform_of_couriers_phones_is_nobodys(world: World, role: str) -> None:
    with pytest.raises(ClientError, match="reserved"):
        world.actor(role, platform="carrier")


def test_a_platform_does_not_reach_couriers_phones_by_naming_their_platform(world: World) -> None:
    platform = world.actor("platform", platform=unique("p"))
    body = {"platform": "carrier", "merchant": "sf", "items": [{"kind": "name", "value": "x"}]}
    assert platform.post("/v1/tokens", body).status_code == 404


def test_a_flood_of_wrong_keys_does_not_make_a_good_one_forgotten(world: World, api_keys: ApiKeys) -> None:
    """Shown by revoking: what is still accepted was remembered."""
    actor = world.actor("operator")
    assert api_keys.principal(actor.key) is not None
    with world.admin() as conn:
        store.revoke_client(conn, actor.name, utc_now())
    for _ in range(11):
        assert api_keys.principal(new_key()) is None
    assert api_keys.principal(actor.key) is not None
    time.sleep(REMEMBER_S)
    assert api_keys.principal(actor.key) is None


def test_being_used_does_not_keep_a_revoked_key_alive(world: World, api_keys: ApiKeys) -> None:
    actor = world.actor("operator")
    assert api_keys.principal(actor.key) is not None
    with world.admin() as conn:
        store.revoke_client(conn, actor.name, utc_now())
    began = time.monotonic()
    while api_keys.principal(actor.key) is not None:
        assert time.monotonic() - began < REMEMBER_S + 1
        time.sleep(0.02)


def test_the_memory_is_bounded() -> None:
    memory: Memory[int] = Memory(at_most=100)
    now = time.monotonic()
    digests = [secrets.token_bytes(32) for _ in range(1000)]
    for n, digest in enumerate(digests):
        memory.keep(digest, n, now)
    assert [memory.recall(digest) for digest in digests[-100:]] == list(range(900, 1000))
    assert all(memory.recall(digest) is None for digest in digests[:900])


def test_the_memory_counts_from_the_question_not_from_the_answer() -> None:
    memory: Memory[int] = Memory()
    digest = secrets.token_bytes(32)
    memory.keep(digest, 1, time.monotonic() - REMEMBER_S)
    assert memory.recall(digest) is None
