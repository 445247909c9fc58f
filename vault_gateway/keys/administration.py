"""The life cycle of the platforms' keys: made, rotated, rewrapped, trimmed. No value passes here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from hvac.api.secrets_engines import Transit

from vault_gateway.keys import batches
from vault_gateway.keys.adapter import PooledAdapter
from vault_gateway.keys.contexts import Address
from vault_gateway.keys.errors import KeyFault, KeysUnavailable, opaque
from vault_gateway.keys.identity import Credential, Session
from vault_gateway.keys.names import platform_key, platforms_of
from vault_gateway.keys.server import Vault
from vault_gateway.keys.transit import ByKind, Ciphertext, as_ciphertexts, ciphertext_fragments, kinds_of
from vault_gateway.model import Kind

_TYPE = "aes256-gcm96"


@dataclass(frozen=True, slots=True)
class Versions:
    """A key's versions: `oldest` that is still there, `oldest_opening` that Vault still decrypts, `latest`
    that new values get."""

    oldest: int
    oldest_opening: int
    latest: int


class Operator:
    """Runs keys; Vault denies it values, exports and deletion. Thread-safe.

    KeyFault where Vault finds a request wrong: no such key, a version that does not exist.
    """

    def __init__(self, vault: Vault, credential: Credential) -> None:
        self._vault = vault
        self._session = Session(vault, credential)
        self._transit = Transit(PooledAdapter(self._session))

    @opaque
    def create_platform(self, platform: str) -> None:
        """Make the platform's three keys, `aes256-gcm96` and derived. Keys that exist stay as they are.

        KeyFault where one exists and is weaker: without derivation a moved ciphertext would open.
        """
        for kind in Kind:
            name = platform_key(platform, kind)
            self._transit.create_key(name, derived=True, key_type=_TYPE)
            data = _data(self._transit.read_key(name))
            if data.get("type") != _TYPE or data.get("derived") is not True or data.get("exportable"):
                raise KeyFault

    @opaque
    def platforms(self) -> list[str]:
        """The platforms that have all three keys, sorted."""
        return platforms_of(_data(self._transit.list_keys())["keys"])

    @opaque
    def versions(self, platform: str) -> dict[Kind, Versions]:
        """The versions of the platform's three keys. KeyFault where it has none."""
        return {kind: self._versions(platform, kind) for kind in Kind}

    def _versions(self, platform: str, kind: Kind) -> Versions:
        data = _data(self._transit.read_key(platform_key(platform, kind)))
        opening, latest = int(data["min_decryption_version"]), int(data["latest_version"])
        # 0 until something was trimmed.
        return Versions(int(data["min_available_version"]) or 1, opening, latest)

    @opaque
    def rotate(self, platform: str, kind: Kind) -> int:
        """The number of the new version, which new values get from now on. Old ones still open."""
        self._transit.rotate_key(platform_key(platform, kind))
        return self._versions(platform, kind).latest

    @opaque
    def rewrap(
        self, platform: str, items: Sequence[tuple[Address, Ciphertext]]
    ) -> list[Ciphertext | KeyFault]:
        """The same values under the latest version, in order, decrypted nowhere but inside Vault."""
        fragments = partial(ciphertext_fragments, items)
        rewrapping = ByKind("rewrap", platform, kinds_of(items), fragments, as_ciphertexts)
        results = batches.run(self._session, rewrapping.batches(), self._vault.deadline())
        return rewrapping.answers(results)

    @opaque
    def trim(self, platform: str, kind: Kind, min_version: int) -> None:
        """Destroy every version below `min_version`, for ever: what they closed opens for nobody.

        Backups of Vault from before still hold them; guarantee 7 waits until those are destroyed too.
        """
        name = platform_key(platform, kind)
        # One at a time: hvac refuses equal minima in one call, and Vault asks for both before a trim.
        self._transit.update_key_configuration(name, min_encryption_version=min_version)
        self._transit.update_key_configuration(name, min_decryption_version=min_version)
        self._transit.trim_key(name, min_version)


def _data(answer: Any) -> Any:
    try:
        return answer["data"]
    except (KeyError, TypeError):
        raise KeysUnavailable("garbled") from None
