"""Sealing an answer to its holder's key: HPKE base mode (RFC 9180), X25519 / HKDF-SHA256 / AES-256-GCM.

`info` is the reveal id, so that an answer cannot be passed off as that of another reveal.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

KEY_BYTES = 32
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class KeyInvalid(Exception):
    """Not an X25519 public key in base64, or one of the few points that share no secret."""


def read_public_key(text: str) -> bytes:
    """32 bytes of a usable X25519 public key."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise KeyInvalid from None
    if len(raw) != KEY_BYTES:
        raise KeyInvalid
    try:
        # A small-order point makes every shared secret zero: the exchange refuses it.
        X25519PrivateKey.generate().exchange(X25519PublicKey.from_public_bytes(raw))
    except ValueError:
        raise KeyInvalid from None
    return raw


def seal(public_key: bytes, reveal_id: str, payload: dict[str, Any]) -> dict[str, str]:
    """`{enc, ciphertext}` in base64: `enc` is the 32-byte encapsulated key, `ciphertext` ends in its tag."""
    sealed = _SUITE.encrypt(
        orjson.dumps(payload), X25519PublicKey.from_public_bytes(public_key), info=reveal_id.encode()
    )
    return {
        "enc": base64.b64encode(sealed[:KEY_BYTES]).decode(),
        "ciphertext": base64.b64encode(sealed[KEY_BYTES:]).decode(),
    }


def unseal(private_key: X25519PrivateKey, reveal_id: str, sealed: dict[str, str]) -> dict[str, Any]:
    """What the holder does; raises `cryptography.exceptions.InvalidTag` for anything that was altered."""
    whole = base64.b64decode(sealed["enc"]) + base64.b64decode(sealed["ciphertext"])
    payload: dict[str, Any] = orjson.loads(_SUITE.decrypt(whole, private_key, info=reveal_id.encode()))
    return payload
