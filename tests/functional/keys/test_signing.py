"""Checkpoints are signed inside Vault and verified by others' code."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.functional.keys.bao_server import BaoServer
from vault_gateway.keys import KeyFault, KeysUnavailable, Signer

NOTE = b"vault-gateway/douyin\n42\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"


def test_a_signature_verifies_with_a_library_of_others(signer: Signer) -> None:
    signature = signer.sign(NOTE, 1)
    assert len(signature) == 64
    key = Ed25519PublicKey.from_public_bytes(signer.public_key(1))
    key.verify(signature, NOTE)
    with pytest.raises(InvalidSignature):
        key.verify(signature, NOTE + b"x")


def test_a_pinned_version_outlives_a_rotation(bao: BaoServer, signer: Signer) -> None:
    before, newest = signer.public_key(1), signer.latest_version()
    bao.request("POST", "transit/keys/checkpoint/rotate", {})
    assert signer.latest_version() == newest + 1
    assert signer.public_key(1) == before != signer.public_key(newest + 1)
    Ed25519PublicKey.from_public_bytes(before).verify(signer.sign(NOTE, 1), NOTE)


def test_a_version_that_does_not_exist_signs_nothing(signer: Signer) -> None:
    with pytest.raises((KeyFault, KeysUnavailable)):
        signer.sign(NOTE, 999)
    with pytest.raises(KeyFault):
        signer.public_key(999)
