"""A Vault is set up once and again without a difference."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.functional.keys.bao_server import BaoServer
from tests.functional.keys.conftest import POLICIES
from vault_gateway.keys import Credential, KeysUnavailable, Tokenizer, Vault, provision


def test_every_policy_file_is_an_identity(credentials: Mapping[str, Credential]) -> None:
    assert set(credentials) == {"tokenizer", "revealer", "relay", "operator", "signer"}


def test_again_it_changes_nothing(
    bao: BaoServer, tokenizer: Tokenizer, credentials: Mapping[str, Credential]
) -> None:
    before = tokenizer.fingerprint("key:a", b"")
    again = provision(bao.addr, bao.root_token, policies=POLICIES / "vault", kept=credentials)
    assert again == credentials
    assert tokenizer.fingerprint("key:a", b"") == before


def test_what_was_not_kept_gets_a_fresh_secret(
    bao: BaoServer, vault: Vault, credentials: Mapping[str, Credential]
) -> None:
    stale = {**credentials, "signer": Credential(credentials["signer"].role_id, "lost")}
    again = provision(bao.addr, bao.root_token, policies=POLICIES, kept=stale)
    assert again["tokenizer"] == credentials["tokenizer"]
    assert again["signer"].role_id == credentials["signer"].role_id
    assert again["signer"].secret_id not in ("lost", credentials["signer"].secret_id)


def test_the_blind_index_key_can_do_nothing_else(bao: BaoServer) -> None:
    _, answer = bao.request("GET", "transit/keys/blind-index")
    key = answer["data"]
    assert key["type"] == "hmac"
    assert not key["exportable"]
    assert not key["supports_encryption"]
    assert not key["supports_signing"]


def test_guessing_through_hmac_can_be_capped(
    bao: BaoServer, tokenizer: Tokenizer, credentials: Mapping[str, Credential]
) -> None:
    provision(bao.addr, bao.root_token, policies=POLICIES, kept=credentials, hmac_calls_per_second=1)
    try:
        answers = [_outcome(tokenizer) for _ in range(6)]
        assert "overloaded" in answers
    finally:
        bao.request("DELETE", "sys/quotas/rate-limit/vault-gateway-blind-index")


def _outcome(tokenizer: Tokenizer) -> str:
    try:
        tokenizer.fingerprint("key:a", b"")
    except KeysUnavailable as unavailable:
        return unavailable.reason
    return "ok"


def test_a_folder_without_policies_is_refused(bao: BaoServer, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="hcl"):
        provision(bao.addr, bao.root_token, policies=tmp_path)


def test_a_wrong_administrator_is_refused(bao: BaoServer) -> None:
    with pytest.raises(KeysUnavailable, match="refused"):
        provision(bao.addr, "nobody", policies=POLICIES)
