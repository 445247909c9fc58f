"""Values in and out of Vault's transit engine: ciphertexts, blind indexes, fingerprints."""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from vault_gateway.keys import batches
from vault_gateway.keys.batches import PARTIAL, Batch, base64
from vault_gateway.keys.contexts import (
    Address,
    blind_index_prefix,
    caller_input,
    derivation_prefix,
    fingerprint_input,
    webhook_input,
)
from vault_gateway.keys.errors import KeyFault, opaque
from vault_gateway.keys.identity import Credential, Session
from vault_gateway.keys.names import BLIND_INDEX, CALLER_INDEX, MOUNT, platform_key
from vault_gateway.keys.server import Vault
from vault_gateway.model import Kind, Origin

T = TypeVar("T")
V = TypeVar("V")

# A stored index is found only by the version that made it, so the version is pinned and its answer checked.
_HMAC_VERSION = b'"key_version":1'
_HMAC_PREFIX = "vault:v1:"


class Ciphertext(NamedTuple):
    """What is stored of a value: the key's version and Vault's bytes (nonce, ciphertext, tag)."""

    key_version: int
    data: bytes


class Tokenizer:
    """Takes values in. Vault denies this identity to decrypt. Thread-safe."""

    def __init__(self, vault: Vault, credential: Credential) -> None:
        self._session = Session(vault, credential)

    @opaque
    def seal(
        self,
        platform: str,
        items: Sequence[tuple[Address, bytes]],
        values: Sequence[tuple[UUID, Origin, Kind, bytes]],
    ) -> tuple[list[Ciphertext | KeyFault], list[bytes]]:
        """One ciphertext an item and one blind index a value, each in order.

        KeysUnavailable also where the platform has no keys: Vault makes none for a mistyped name.
        """
        deadline = self._session.vault.deadline()
        closing = ByKind("encrypt", platform, items, _plaintext_fragment, as_ciphertext)

        def both() -> Iterator[Batch]:
            yield from closing.batches()
            yield _hmac_batch(BLIND_INDEX, _index_fragments(values))

        *closed, indexes = batches.run(self._session, both(), deadline)
        return closing.answers(closed), indexes

    @opaque
    def blind_indexes(self, values: Sequence[tuple[UUID, Origin, Kind, bytes]]) -> list[bytes]:
        """32 bytes for each (tenant_id, origin, kind, normalised value), in order."""
        return self._hmacs(_index_fragments(values))

    @opaque
    def fingerprint(self, principal_id: str, body: bytes) -> bytes:
        """32 bytes that tell whether a principal's repeated request is the same; not guessable as a hash
        is."""
        return self._hmacs([_fingerprint_fragment(principal_id, body)])[0]

    @opaque
    def webhook_secret(self, webhook_id: UUID) -> bytes:
        """The 32 bytes that sign a webhook's events: the same each time, and stored nowhere."""
        return self._hmacs([b'{"input":"%b"}' % base64(webhook_input(webhook_id))])[0]

    def _hmacs(self, fragments: list[bytes]) -> list[bytes]:
        return _hmacs(self._session, BLIND_INDEX, fragments)


class Revealer:
    """Opens values. Vault denies this identity to encrypt and to compute blind indexes. Thread-safe."""

    def __init__(self, vault: Vault, credential: Credential) -> None:
        self._session = Session(vault, credential)

    @opaque
    def decrypt(self, platform: str, items: Sequence[tuple[Address, Ciphertext]]) -> list[bytes | KeyFault]:
        """One value an item, in order. KeyFault for what does not open at this address, whatever the
        reason."""
        return _decrypted(self._session, platform, items)


class RelayKeys:
    """Opens phones and knows callers again. Vault denies this identity names, addresses and blind indexes.
    Thread-safe."""

    def __init__(self, vault: Vault, credential: Credential) -> None:
        self._session = Session(vault, credential)

    @opaque
    def decrypt(self, platform: str, items: Sequence[tuple[Address, Ciphertext]]) -> list[bytes | KeyFault]:
        """Phones of one platform in order, as `Revealer.decrypt`."""
        return _decrypted(self._session, platform, items)

    @opaque
    def caller_digests(self, callers: Sequence[tuple[str, bytes]]) -> list[bytes]:
        """32 bytes for each (relay number, phone in E.164), in order; "" for the caller on any number."""
        fragments = [b'{"input":"%b"}' % base64(caller_input(number, phone)) for number, phone in callers]
        return _hmacs(self._session, CALLER_INDEX, fragments)


def _hmacs(session: Session, key: str, fragments: list[bytes]) -> list[bytes]:
    [digests] = batches.run(session, [_hmac_batch(key, fragments)], session.vault.deadline())
    return digests


def _hmac_batch(key: str, fragments: list[bytes]) -> Batch:
    return Batch(f"{MOUNT}/hmac/{key}", _HMAC_VERSION, fragments, _as_hmac, strings=2)


def _decrypted(
    session: Session, platform: str, items: Sequence[tuple[Address, Ciphertext]]
) -> list[bytes | KeyFault]:
    opening = ByKind("decrypt", platform, items, ciphertext_fragment, _as_plaintext)
    return opening.answers(batches.run(session, opening.batches(), session.vault.deadline()))


class ByKind(Generic[V, T]):
    """One operation over items of mixed kinds: a key and so a batch per kind, answers in the items' order."""

    def __init__(
        self,
        operation: str,
        platform: str,
        items: Sequence[tuple[Address, V]],
        fragment: Callable[[V, bytes], bytes],
        parse: Callable[[dict[str, Any]], T],
    ) -> None:
        self._path = f"{MOUNT}/{operation}/"
        self._platform, self._items, self._fragment, self._parse = platform, items, fragment, parse
        self._positions: dict[Kind, list[int]] = {}
        for position, (address, _) in enumerate(items):
            self._positions.setdefault(address.kind, []).append(position)

    def batches(self) -> Iterator[Batch]:
        for kind, where in self._positions.items():
            fragments = _fragments(kind, (self._items[position] for position in where), self._fragment)
            yield Batch(self._path + platform_key(self._platform, kind), PARTIAL, fragments, self._parse)

    def answers(self, results: Sequence[list[T]]) -> list[T]:
        """The results of each batch, in the items' order."""
        answers: dict[int, T] = {}
        for where, of_kind in zip(self._positions.values(), results, strict=True):
            answers.update(zip(where, of_kind, strict=True))
        return [answers[position] for position in range(len(answers))]


def _fragments(
    kind: Kind, items: Iterable[tuple[Address, V]], fragment: Callable[[V, bytes], bytes]
) -> list[bytes]:
    # Mostly one merchant's values in a row: all of the context but the token is then the same.
    tenant_id, prefix = None, b""
    fragments = []
    for address, value in items:
        if address.tenant_id is not tenant_id:
            tenant_id = address.tenant_id
            prefix = derivation_prefix(tenant_id, kind)
        fragments.append(fragment(value, base64(prefix + address.token.bytes)))
    return fragments


def _plaintext_fragment(value: bytes, context: bytes) -> bytes:
    return b'{"plaintext":"%b","context":"%b"}' % (base64(value), context)


def ciphertext_fragment(value: Ciphertext, context: bytes) -> bytes:
    return b'{"ciphertext":"vault:v%d:%b","context":"%b"}' % (value.key_version, base64(value.data), context)


def _index_fragments(values: Sequence[tuple[UUID, Origin, Kind, bytes]]) -> list[bytes]:
    fragments = []
    prefixes: dict[tuple[UUID, Origin, Kind], bytes] = {}
    for tenant_id, origin, kind, value in values:
        owner = (tenant_id, origin, kind)
        prefix = prefixes.get(owner)
        if prefix is None:
            prefix = prefixes[owner] = blind_index_prefix(tenant_id, origin, kind)
        fragments.append(b'{"input":"%b"}' % base64(prefix + len(value).to_bytes(4, "big") + value))
    return fragments


def _fingerprint_fragment(principal_id: str, body: bytes) -> bytes:
    return b'{"input":"%b"}' % base64(fingerprint_input(principal_id, body))


def as_ciphertext(result: dict[str, Any]) -> Ciphertext | KeyFault:
    if result.get("error"):
        return KeyFault()
    head, _, data = result["ciphertext"].rpartition(":")
    return Ciphertext(_key_version(head), a2b_base64(data))


@lru_cache(maxsize=64)
def _key_version(head: str) -> int:
    """The key's version in `vault:v3`, which stands before each ciphertext of a batch. ValueError for anything else."""
    scheme, version = head.split(":")
    if scheme != "vault" or not version.startswith("v"):
        raise ValueError
    return int(version[1:])


def _as_plaintext(result: dict[str, Any]) -> bytes | KeyFault:
    # The error first: a failed item carries an empty plaintext beside it.
    return KeyFault() if result.get("error") else a2b_base64(result["plaintext"])


def _as_hmac(result: dict[str, Any]) -> bytes:
    text = result["hmac"]
    digest = a2b_base64(text[len(_HMAC_PREFIX) :])
    if result.get("error") or not text.startswith(_HMAC_PREFIX) or len(digest) != 32:
        raise ValueError
    return digest
