"""Stored data depends on these bytes: they may never change."""

from __future__ import annotations

from uuid import UUID

from vault_gateway.keys.contexts import Address, blind_index_input, derivation_context, fingerprint_input
from vault_gateway.model import Kind, Origin

TENANT = UUID("00112233-4455-6677-8899-aabbccddeeff")
TOKEN = UUID("01900000-0000-7000-8000-000000000001")


def test_the_derivation_context_is_frozen() -> None:
    assert derivation_context(Address(TENANT, Kind.PHONE, TOKEN)).hex() == (
        "010000001000112233445566778899aabbccddeeff0000000570686f6e65"
        "0000001001900000000070008000000000000001"
    )  # fmt: skip


def test_the_blind_index_input_is_frozen() -> None:
    assert blind_index_input(TENANT, Origin.PLATFORM, Kind.NAME, "张".encode()).hex() == (
        "020000001000112233445566778899aabbccddeeff00000008706c6174666f726d"
        "000000046e616d6500000003e5bca0"
    )  # fmt: skip


def test_the_fingerprint_input_is_frozen() -> None:
    assert fingerprint_input("key:a", b"").hex() == (
        "03000000056b65793a61"
        "00000020e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )  # fmt: skip
