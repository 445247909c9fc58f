"""What a derived key and a blind index are bound to.

Each input is a version byte followed by fields, every one behind its length in four big-endian bytes. So no
two different lists of fields give the same bytes, and the uses, which differ in the first byte, never
meet.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple
from uuid import UUID

from vault_gateway.model import Kind, Origin

# One number per use *and* layout: a new layout takes a number that was never used.
DERIVATION_V1 = b"\x01"
BLIND_INDEX_V1 = b"\x02"
FINGERPRINT_V1 = b"\x03"
CALLER_V1 = b"\x04"
WEBHOOK_V1 = b"\x05"


class Address(NamedTuple):
    """Where a value lives: its ciphertext opens nowhere else."""

    tenant_id: UUID
    kind: Kind
    token: UUID


def prefixed(version: bytes, *fields: bytes) -> bytes:
    """The version byte and the length-prefixed fields."""
    parts = [version]
    for field in fields:
        parts.append(len(field).to_bytes(4, "big"))
        parts.append(field)
    return b"".join(parts)


def derivation_context(address: Address) -> bytes:
    """The `context` of Vault's key derivation for one value."""
    return derivation_prefix(address.tenant_id, address.kind) + address.token.bytes


def derivation_prefix(tenant_id: UUID, kind: Kind) -> bytes:
    """All of the context but the token's 16 bytes: the same for a whole batch of one merchant."""
    return prefixed(DERIVATION_V1, tenant_id.bytes, kind.value.encode()) + (16).to_bytes(4, "big")


def blind_index_input(tenant_id: UUID, origin: Origin, kind: Kind, value: bytes) -> bytes:
    """What is HMACed so that equal normalised values of one merchant and origin can be found."""
    return blind_index_prefix(tenant_id, origin, kind) + len(value).to_bytes(4, "big") + value


def blind_index_prefix(tenant_id: UUID, origin: Origin, kind: Kind) -> bytes:
    """All of the input but the value and its length."""
    return prefixed(BLIND_INDEX_V1, tenant_id.bytes, origin.value.encode(), kind.value.encode())


def caller_input(number: str, phone: bytes) -> bytes:
    """What is HMACed to know a caller again on one relay number ("" for: on any)."""
    return prefixed(CALLER_V1, number.encode(), phone)


def fingerprint_input(principal_id: str, body: bytes) -> bytes:
    """What is HMACed for idempotency. The body goes in as its SHA-256, so a bulk request costs one short
    item."""
    return prefixed(FINGERPRINT_V1, principal_id.encode(), hashlib.sha256(body).digest())


def webhook_input(webhook_id: UUID) -> bytes:
    """What is HMACed to make the secret of a webhook, which so is stored nowhere."""
    return prefixed(WEBHOOK_V1, webhook_id.bytes)
