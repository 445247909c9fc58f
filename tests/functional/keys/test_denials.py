"""Vault itself keeps the identities apart, whatever our own code would try."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest

from benchmarks.sealing import sealed
from tests.functional.keys.bao_server import BaoServer
from vault_gateway.keys import (
    Address,
    Ciphertext,
    Credential,
    KeysUnavailable,
    Operator,
    Revealer,
    Signer,
    Tokenizer,
    Vault,
)
from vault_gateway.model import Kind, Origin

BATCH = {"batch_input": [{"plaintext": "", "ciphertext": "vault:v1:", "input": "", "context": "AA=="}]}

# (identity, method, path, body); P is the platform.
DENIED: list[tuple[str, str, str, Any]] = [
    ("tokenizer", "POST", "transit/decrypt/phone-P", BATCH),
    ("tokenizer", "POST", "transit/rewrap/phone-P", BATCH),
    ("tokenizer", "POST", "transit/keys/phone-new", {"type": "aes256-gcm96"}),
    ("tokenizer", "GET", "transit/export/encryption-key/phone-P", None),
    ("tokenizer", "POST", "transit/sign/checkpoint", {"input": ""}),
    ("tokenizer", "POST", "transit/datakey/plaintext/phone-P", {"context": "AA=="}),
    ("tokenizer", "POST", "transit/hmac/phone-P", {"input": ""}),
    ("revealer", "POST", "transit/encrypt/phone-P", BATCH),
    ("revealer", "POST", "transit/hmac/blind-index", BATCH),
    ("revealer", "POST", "transit/rewrap/phone-P", BATCH),
    ("revealer", "POST", "transit/decrypt/blind-index", BATCH),
    ("relay", "POST", "transit/decrypt/name-P", BATCH),
    ("relay", "POST", "transit/decrypt/address-P", BATCH),
    ("relay", "POST", "transit/encrypt/phone-P", BATCH),
    ("operator", "POST", "transit/decrypt/phone-P", BATCH),
    ("operator", "POST", "transit/encrypt/phone-P", BATCH),
    ("operator", "POST", "transit/hmac/blind-index", BATCH),
    ("operator", "POST", "transit/sign/checkpoint", {"input": ""}),
    ("operator", "DELETE", "transit/keys/phone-P", None),
    ("operator", "GET", "transit/export/encryption-key/phone-P", None),
    ("operator", "GET", "transit/backup/phone-P", None),
    ("operator", "POST", "transit/restore/phone-new", {"backup": ""}),
    ("operator", "POST", "transit/keys/phone-new/import", {"ciphertext": "", "type": "aes256-gcm96"}),
    (
        "operator",
        "POST",
        "transit/keys/phone-new",
        {"type": "aes256-gcm96", "derived": True, "exportable": True},
    ),
    ("operator", "POST", "transit/keys/phone-new", {"type": "aes256-gcm96", "derived": False}),
    ("operator", "POST", "transit/keys/phone-new", {"type": "rsa-2048", "derived": True}),
    ("operator", "POST", "transit/keys/phone-P/config", {"exportable": True}),
    ("operator", "POST", "transit/keys/phone-P/config", {"allow_plaintext_backup": True}),
    ("operator", "POST", "transit/keys/phone-P/config", {"deletion_allowed": True}),
    ("operator", "POST", "transit/keys/blind-index/rotate", {}),
    ("operator", "POST", "transit/keys/blind-index/config", {"min_decryption_version": 1}),
    ("operator", "POST", "transit/keys/blind-index/trim", {"min_available_version": 1}),
    ("operator", "POST", "transit/keys/checkpoint/config", {"min_encryption_version": 1}),
    ("operator", "POST", "transit/keys/checkpoint/trim", {"min_available_version": 1}),
    ("operator", "POST", "auth/approle/role/vault-gateway-revealer/secret-id", {}),
    ("operator", "PUT", "sys/policies/acl/vault-gateway-operator", {"policy": ""}),
    ("signer", "POST", "transit/encrypt/phone-P", BATCH),
    ("signer", "POST", "transit/decrypt/phone-P", BATCH),
    ("signer", "POST", "transit/hmac/checkpoint", {"input": ""}),
    ("signer", "POST", "transit/keys/checkpoint/rotate", {}),
    ("signer", "GET", "transit/keys/phone-P", None),
]


@pytest.fixture(scope="session")
def tokens(bao: BaoServer, credentials: Mapping[str, Credential]) -> dict[str, str]:
    """A token of each identity, fetched past our own client."""
    tokens = {}
    for name, credential in credentials.items():
        login = {"role_id": credential.role_id, "secret_id": credential.secret_id}
        status, answer = bao.request("POST", "auth/approle/login", login, token="")
        assert status == 200
        assert answer["auth"]["token_policies"] == [f"vault-gateway-{name}"]
        tokens[name] = answer["auth"]["client_token"]
    return tokens


@pytest.mark.parametrize(("identity", "method", "path", "body"), DENIED)
def test_vault_denies(
    bao: BaoServer, tokens: dict[str, str], platform: str, identity: str, method: str, path: str, body: Any
) -> None:
    status, answer = bao.request(method, path.replace("P", platform), body, token=tokens[identity])
    assert status == 403
    assert "permission denied" in str(answer["errors"])


def test_relay_opens_phones(
    tokenizer: Tokenizer,
    vault: Vault,
    credentials: Mapping[str, Credential],
    platform: str,
    home: Address,
) -> None:
    [ciphertext] = sealed(tokenizer, platform, [(home, b"13800001234")])
    assert isinstance(ciphertext, Ciphertext)
    assert Revealer(vault, credentials["relay"]).decrypt(platform, [(home, ciphertext)]) == [b"13800001234"]


def test_classes_are_refused_under_another_identity(
    vault: Vault, credentials: Mapping[str, Credential], platform: str, home: Address, tenant_id: UUID
) -> None:
    one = [(home, Ciphertext(1, b"x" * 40))]
    with pytest.raises(KeysUnavailable, match="refused"):
        Revealer(vault, credentials["tokenizer"]).decrypt(platform, one)
    with pytest.raises(KeysUnavailable, match="refused"):
        Revealer(vault, credentials["operator"]).decrypt(platform, one)
    with pytest.raises(KeysUnavailable, match="refused"):
        sealed(Tokenizer(vault, credentials["revealer"]), platform, [(home, b"x")])
    with pytest.raises(KeysUnavailable, match="refused"):
        Tokenizer(vault, credentials["revealer"]).blind_indexes(
            tenant_id, Origin.PLATFORM, [(Kind.PHONE, b"x")]
        )
    with pytest.raises(KeysUnavailable, match="refused"):
        Operator(vault, credentials["tokenizer"]).rotate(platform, Kind.PHONE)
    with pytest.raises(KeysUnavailable, match="refused"):
        Signer(vault, credentials["operator"]).sign(b"x", 1)
