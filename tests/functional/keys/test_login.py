"""Tokens end, are revoked and are fetched again, one at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from tests.functional.keys.bao_server import BaoServer
from tests.functional.keys.faulty_proxy import FaultyProxy
from vault_gateway.keys import Credential, KeysUnavailable, Tokenizer, Vault
from vault_gateway.keys.identity import Session
from vault_gateway.model import Kind, Origin

ROLE = "auth/approle/role/vault-gateway-tokenizer"
HMAC = b'{"batch_input":[{"input":""}]}'


@pytest.fixture
def proxied(proxy: FaultyProxy) -> Iterator[Vault]:
    with Vault(proxy.addr) as vault:
        yield vault


@pytest.fixture
def short_lived(bao: BaoServer) -> Iterator[None]:
    """Tokens of the tokenizer live two seconds for the length of a test."""
    bao.request("POST", ROLE, {"token_ttl": "2s"})
    yield
    bao.request("POST", ROLE, {"token_ttl": "1h"})


def test_nobody_logs_in_before_there_is_something_to_ask(
    proxy: FaultyProxy, proxied: Vault, credentials: Mapping[str, Credential]
) -> None:
    tokenizer = Tokenizer(proxied, credentials["tokenizer"])
    assert proxy.logins() == 0
    for _ in range(5):
        tokenizer.fingerprint("key:a", b"")
    assert proxy.logins() == 1


def test_threads_log_in_once(
    proxy: FaultyProxy, proxied: Vault, credentials: Mapping[str, Credential]
) -> None:
    tokenizer = Tokenizer(proxied, credentials["tokenizer"])
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: tokenizer.fingerprint("key:a", b""), range(32)))
    assert len(set(answers)) == 1
    assert proxy.logins() == 1


@pytest.mark.usefixtures("short_lived")
def test_a_token_is_replaced_before_it_ends(
    proxy: FaultyProxy, proxied: Vault, credentials: Mapping[str, Credential]
) -> None:
    tokenizer = Tokenizer(proxied, credentials["tokenizer"])
    end = time.monotonic() + 3.2
    calls = 0
    while time.monotonic() < end:
        tokenizer.fingerprint("key:a", b"")
        calls += 1
        time.sleep(0.02)
    assert 3 <= proxy.logins() <= 4
    # No call met a 403: each went through once.
    assert sum("/hmac/" in path for path in proxy.paths) == calls


@pytest.mark.usefixtures("short_lived")
def test_a_token_that_ended_is_replaced(proxied: Vault, credentials: Mapping[str, Credential]) -> None:
    tokenizer = Tokenizer(proxied, credentials["tokenizer"])
    tokenizer.fingerprint("key:a", b"")
    time.sleep(2.3)
    assert len(tokenizer.fingerprint("key:a", b"")) == 32


def test_after_a_revocation_there_is_one_new_login(
    bao: BaoServer, proxy: FaultyProxy, proxied: Vault, credentials: Mapping[str, Credential]
) -> None:
    session = Session(proxied, credentials["tokenizer"], relogin_pause_s=0)
    token = session.token(proxied.deadline())
    bao.request("POST", "auth/token/revoke", {"token": token})
    with ThreadPoolExecutor(4) as threads:
        answers = threads.map(lambda _: session.ask("POST", "transit/hmac/blind-index", HMAC), range(8))
        assert all(answer["data"]["batch_results"] for answer in answers)
    assert session.token(proxied.deadline()) != token
    assert proxy.logins() == 2


def test_what_the_policy_forbids_does_not_become_a_stream_of_logins(
    proxy: FaultyProxy, proxied: Vault, credentials: Mapping[str, Credential], home: object
) -> None:
    session = Session(proxied, credentials["tokenizer"])
    for _ in range(10):
        with pytest.raises(KeysUnavailable, match="refused"):
            session.ask("POST", "transit/decrypt/phone-x", HMAC)
    assert proxy.logins() == 1


def test_a_wrong_secret_is_refused(
    vault: Vault, credentials: Mapping[str, Credential], tenant_id: UUID
) -> None:
    wrong = Credential(credentials["tokenizer"].role_id, "not-the-secret")
    assert "not-the-secret" not in repr(wrong)
    with pytest.raises(KeysUnavailable, match="refused") as caught:
        Tokenizer(vault, wrong).blind_indexes(tenant_id, Origin.PLATFORM, [(Kind.PHONE, b"x")])
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
