"""Values in and out of Vault's transit engine: ciphertexts, blind indexes, fingerprints."""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache, partial
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
from vault_gateway.keys.errors import KeyFault, KeysUnavailable, opaque
from vault_gateway.keys.identity import Credential, Session
from vault_gateway.keys.names import BLIND_INDEX, CALLER_INDEX, MOUNT, platform_key
from vault_gateway.keys.server import Vault
from vault_gateway.model import Kind, Origin

T = TypeVar("T")

# A stored index is found only by the version that made it, so the version is pinned and its answer checked.
_HMAC_VERSION = b'"key_version":1'
_HMAC_PREFIX = "vault:v1:"


class Ciphertext(NamedTuple):
    """What is stored of a value: the key's version and Vault's bytes (nonce, ciphertext, tag)."""

    key_version: int
    data: bytes


class Plaintexts(NamedTuple):
    """Values of one merchant and origin, a column each: `values` is what is encrypted, bound to the token's
    id, and `indexed` what blind indexes are made of."""

    tenant_id: UUID
    origin: Origin
    kinds: Sequence[Kind]
    tokens: Sequence[UUID]
    values: Sequence[bytes]
    indexed: Sequence[bytes]


class Tokenizer:
    """Takes values in. Vault denies this identity to decrypt. Thread-safe."""

    def __init__(self, vault: Vault, credential: Credential) -> None:
        self._session = Session(vault, credential)

    @opaque
    def seal(self, platform: str, plain: Plaintexts) -> tuple[list[tuple[int, bytes]], list[bytes]]:
        """For each value, in order, what makes a Ciphertext, and a blind index of 32 bytes.

        KeysUnavailable also where the platform has no keys: Vault makes none for a mistyped name.
        """
        deadline = self._session.vault.deadline()
        closing = ByKind("encrypt", platform, plain.kinds, partial(_plaintext_fragments, plain), _closed)

        def both() -> Iterator[Batch]:
            yield from closing.batches()
            yield _hmac_batch(
                BLIND_INDEX,
                _index_fragments(plain.tenant_id, plain.origin, zip(plain.kinds, plain.indexed, strict=True)),
            )

        *closed, indexes = batches.run(self._session, both(), deadline)
        return closing.answers(closed), indexes

    @opaque
    def blind_indexes(
        self, tenant_id: UUID, origin: Origin, values: Sequence[tuple[Kind, bytes]]
    ) -> list[bytes]:
        """32 bytes for each normalised value, in order."""
        return self._hmacs(_index_fragments(tenant_id, origin, values))

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
    return Batch(f"{MOUNT}/hmac/{key}", _HMAC_VERSION, fragments, _as_hmacs, strings=2)


def _decrypted(
    session: Session, platform: str, items: Sequence[tuple[Address, Ciphertext]]
) -> list[bytes | KeyFault]:
    opening = ByKind(
        "decrypt", platform, kinds_of(items), partial(ciphertext_fragments, items), _as_plaintexts
    )
    return opening.answers(batches.run(session, opening.batches(), session.vault.deadline()))


class ByKind(Generic[T]):
    """One operation over items of mixed kinds: a key and so a batch per kind, answers in the items' order.
    `fragments` makes those of one kind, of the items at the positions given."""

    def __init__(
        self,
        operation: str,
        platform: str,
        kinds: Sequence[Kind],
        fragments: Callable[[Kind, Sequence[int]], list[bytes]],
        parse: Callable[[list[dict[str, Any]]], list[T]],
    ) -> None:
        self._path = f"{MOUNT}/{operation}/"
        self._platform, self._fragments, self._parse = platform, fragments, parse
        self._positions = {kind: [at for at, of in enumerate(kinds) if of is kind] for kind in Kind}

    def batches(self) -> Iterator[Batch]:
        for kind, where in self._positions.items():
            if where:
                path = self._path + platform_key(self._platform, kind)
                yield Batch(path, PARTIAL, self._fragments(kind, where), self._parse)

    def answers(self, results: Sequence[list[T]]) -> list[T]:
        """The results of each batch, in the items' order."""
        answers: dict[int, T] = {}
        for where, of_kind in zip(filter(None, self._positions.values()), results, strict=True):
            answers.update(zip(where, of_kind, strict=True))
        return [answers[position] for position in range(len(answers))]


def kinds_of(items: Sequence[tuple[Address, Ciphertext]]) -> list[Kind]:
    return [address.kind for address, _ in items]


def _plaintext_fragments(plain: Plaintexts, kind: Kind, where: Sequence[int]) -> list[bytes]:
    prefix = derivation_prefix(plain.tenant_id, kind)
    values, tokens = plain.values, plain.tokens
    return [
        b'{"plaintext":"%b","context":"%b"}' % (base64(values[at]), base64(prefix + tokens[at].bytes))
        for at in where
    ]


def ciphertext_fragments(
    items: Sequence[tuple[Address, Ciphertext]], kind: Kind, where: Sequence[int]
) -> list[bytes]:
    # Mostly one merchant's values in a row: all of the context but the token is then the same.
    tenant_id, prefix = None, b""
    fragments = []
    for at in where:
        address, (version, data) = items[at]
        if address.tenant_id is not tenant_id:
            tenant_id = address.tenant_id
            prefix = derivation_prefix(tenant_id, kind)
        context = base64(prefix + address.token.bytes)
        fragments.append(b'{"ciphertext":"vault:v%d:%b","context":"%b"}' % (version, base64(data), context))
    return fragments


def _index_fragments(tenant_id: UUID, origin: Origin, values: Iterable[tuple[Kind, bytes]]) -> list[bytes]:
    prefixes = {kind: blind_index_prefix(tenant_id, origin, kind) for kind in Kind}
    return [
        b'{"input":"%b"}' % base64(prefixes[kind] + len(value).to_bytes(4, "big") + value)
        for kind, value in values
    ]


def _fingerprint_fragment(principal_id: str, body: bytes) -> bytes:
    return b'{"input":"%b"}' % base64(fingerprint_input(principal_id, body))


def as_ciphertexts(results: list[dict[str, Any]]) -> list[Ciphertext | KeyFault]:
    return [
        KeyFault() if result.get("error") else Ciphertext(*_version_and_data(result["ciphertext"]))
        for result in results
    ]


def _closed(results: list[dict[str, Any]]) -> list[tuple[int, bytes]]:
    """Vault refuses no value by itself: where it does, something is wrong with it."""
    if any(result.get("error") for result in results):
        raise KeysUnavailable("refused")
    return [_version_and_data(result["ciphertext"]) for result in results]


def _version_and_data(text: str) -> tuple[int, bytes]:
    head, _, data = text.rpartition(":")
    return _key_version(head), a2b_base64(data)


@lru_cache(maxsize=64)
def _key_version(head: str) -> int:
    """The key's version in `vault:v3`, which stands before each ciphertext of a batch. ValueError for anything else."""
    scheme, version = head.split(":")
    if scheme != "vault" or not version.startswith("v"):
        raise ValueError
    return int(version[1:])


def _as_plaintexts(results: list[dict[str, Any]]) -> list[bytes | KeyFault]:
    # The error first: a failed item carries an empty plaintext beside it.
    return [KeyFault() if result.get("error") else a2b_base64(result["plaintext"]) for result in results]


def _as_hmacs(results: list[dict[str, Any]]) -> list[bytes]:
    digests = []
    for result in results:
        text = result["hmac"]
        if result.get("error") or not text.startswith(_HMAC_PREFIX):
            raise ValueError
        digests.append(a2b_base64(text[len(_HMAC_PREFIX) :]))
    if not {*map(len, digests)} <= {32}:
        raise ValueError
    return digests
