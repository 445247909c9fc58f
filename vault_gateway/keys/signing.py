"""Ed25519 signatures by a key that never leaves Vault: checkpoints of the audit log."""

from __future__ import annotations

from binascii import a2b_base64
from typing import Any

from vault_gateway.keys.batches import base64
from vault_gateway.keys.errors import KeyFault, KeysUnavailable, opaque
from vault_gateway.keys.identity import Credential, Session
from vault_gateway.keys.names import CHECKPOINT, MOUNT
from vault_gateway.keys.server import Vault


class Signer:
    """Signs checkpoints. Thread-safe."""

    def __init__(self, vault: Vault, credential: Credential) -> None:
        self._session = Session(vault, credential)

    @opaque
    def sign(self, data: bytes, key_version: int) -> bytes:
        """The 64 raw bytes of RFC 8032. The version is pinned: a rotation would change the note's key id.

        KeysUnavailable for a version that does not exist: OpenBao answers 500 to it.
        """
        body = b'{"input":"%b","key_version":%d}' % (base64(data), key_version)
        answer = self._session.ask("POST", f"{MOUNT}/sign/{CHECKPOINT}", body)
        return _signature(answer, key_version)

    @opaque
    def public_key(self, key_version: int) -> bytes:
        """The 32 raw bytes of a version's public key. KeyFault for a version that does not exist."""
        key = self._keys().get(str(key_version))
        if key is None:
            raise KeyFault
        try:
            return a2b_base64(key["public_key"])
        except (KeyError, TypeError, ValueError):
            raise KeysUnavailable("garbled") from None

    @opaque
    def latest_version(self) -> int:
        """The newest version; who starts a log pins it."""
        return max(int(version) for version in self._keys())

    def _keys(self) -> dict[str, Any]:
        try:
            keys = self._session.ask("GET", f"{MOUNT}/keys/{CHECKPOINT}")["data"]["keys"]
        except (KeyError, TypeError):
            raise KeysUnavailable("garbled") from None
        if not isinstance(keys, dict) or not keys:
            raise KeysUnavailable("garbled")
        return keys


def _signature(answer: Any, key_version: int) -> bytes:
    prefix = f"vault:v{key_version}:"
    try:
        text = answer["data"]["signature"]
        signature = a2b_base64(text.removeprefix(prefix))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise KeysUnavailable("garbled") from None
    if not text.startswith(prefix) or len(signature) != 64:
        raise KeysUnavailable("garbled")
    return signature
