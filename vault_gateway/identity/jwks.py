"""A JSON Web Key Set (RFC 7517): the keys of it that may vouch for a token, and why the others may not."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from vault_gateway.identity.fetch import JwksError
from vault_gateway.identity.strict_json import load_object

Key = RSAKey | ECKey | OKPKey

_MOST_KEYS = 100
_LONGEST_KID = 256
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth"})
_RSA_BITS = range(2048, 8193)
_LEAST_EXPONENT = 65537


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """A public key and the algorithms of `compact.ALGORITHMS` that it is for: never more than its own kind's."""

    kid: str | None
    algorithms: frozenset[str]
    key: Key


@dataclass(frozen=True, slots=True)
class KeySet:
    keys: tuple[VerifyingKey, ...]
    # Why each of the other keys is not used, for the operator.
    skipped: tuple[str, ...]

    def find(self, kid: str | None, algorithm: str) -> Key | None:
        """The key of that id. A token without an id gets the only key that can be meant, or none."""
        fitting = [
            one.key for one in self.keys if algorithm in one.algorithms and (kid is None or one.kid == kid)
        ]
        return fitting[0] if len(fitting) == 1 else None


def parse_jwks(raw: bytes) -> KeySet:
    """Raises JwksError where the whole set cannot be trusted: no set, a private key in it, one id twice."""
    try:
        entries = load_object(raw).get("keys")
    except ValueError:
        entries = None
    if not isinstance(entries, list) or len(entries) > _MOST_KEYS:
        raise JwksError(f"that is no JSON Web Key Set of up to {_MOST_KEYS} keys")
    keys: list[VerifyingKey] = []
    skipped: list[str] = []
    for position, entry in enumerate(entries):
        made = _key(entry) if isinstance(entry, dict) else "not an object"
        if isinstance(made, str):
            skipped.append(f"key {position + 1}: {made}")
        else:
            keys.append(made)
    named = [(one.kid, algorithm) for one in keys for algorithm in one.algorithms if one.kid is not None]
    if len(named) != len(set(named)):
        raise JwksError("the set has two keys of one kid")
    return KeySet(tuple(keys), tuple(skipped))


def _key(entry: Mapping[str, Any]) -> VerifyingKey | str:
    """The key, or why it is not used."""
    if _PRIVATE & entry.keys():
        raise JwksError("the set holds a private key: whoever published it has to replace that key")
    kid = entry.get("kid")
    if kid is not None and not (isinstance(kid, str) and 1 <= len(kid) <= _LONGEST_KID):
        return "its kid is not a text of up to 256 characters"
    operations = entry.get("key_ops", ["verify"])
    if entry.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        return "it is not for signatures"
    try:
        made = _import(entry)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        return "it cannot be read"
    if isinstance(made, str):
        return made
    key, algorithms = made
    if "alg" in entry:
        algorithms &= {str(entry["alg"])}
    return VerifyingKey(kid, algorithms, key) if algorithms else "its alg is not one that is accepted"


def _import(entry: Mapping[str, Any]) -> tuple[Key, frozenset[str]] | str:
    public = {name: entry[name] for name in ("kty", "crv", "n", "e", "x", "y") if name in entry}
    if public.get("kty") == "RSA":
        return _weakness(public) or (RSAKey.import_key(public), frozenset({"RS256"}))
    if public.get("kty") == "EC" and public.get("crv") == "P-256":
        ec = ECKey.import_key(public)
        assert isinstance(ec.public_key, EllipticCurvePublicKey)
        assert isinstance(ec.public_key.curve, SECP256R1)
        return ec, frozenset({"ES256"})
    if public.get("kty") == "OKP" and public.get("crv") == "Ed25519":
        okp = OKPKey.import_key(public)
        assert isinstance(okp.public_key, Ed25519PublicKey)
        # RFC 9864 gives the same signature its new name.
        return okp, frozenset({"EdDSA", "Ed25519"})
    return "it is neither RSA nor P-256 nor Ed25519"


def _weakness(public: Mapping[str, Any]) -> str | None:
    modulus, exponent = (_number(public[name]) for name in ("n", "e"))
    if modulus.bit_length() not in _RSA_BITS:
        return "it is RSA of less than 2048 or more than 8192 bits"
    if exponent < _LEAST_EXPONENT:
        return "its RSA exponent is less than 65537"
    return None


def _number(text: str) -> int:
    return int.from_bytes(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
