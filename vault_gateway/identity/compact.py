"""The outside of a JWT: three canonical parts, a header that asks for nothing unusual. No key is touched here."""

from __future__ import annotations

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

from vault_gateway.identity.strict_json import load_object

ALGORITHMS = frozenset({"RS256", "ES256", "EdDSA", "Ed25519"})

# As long as an Authorization header's key may be.
_LONGEST = 4096
_LONGEST_KID = 256
# Everything else is refused, above all what brings or fetches a key (`jwk`, `jku`, `x5c`, `x5u`) or changes how
# the token is to be read (`crit`, `b64`, `zip`, `enc`, `cty`).
_HEADERS = frozenset({"alg", "kid", "typ", "x5t", "x5t#S256"})
# RFC 9068 names access tokens so; a token made for something else (a logout, an event) has another type.
_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
_PART = re.compile(r"[A-Za-z0-9_-]+")


class TokenRefused(Exception):
    """A JWT is not accepted. `reason` is one of few words, fit for a metric: it holds nothing of the token."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Compact:
    """What stands in a token, before anybody vouches for it."""

    token: str
    algorithm: str
    kid: str | None
    claims: dict[str, Any]


def parse(token: str) -> Compact:
    if len(token) > _LONGEST or token.count(".") != 2:
        raise TokenRefused("malformed")
    header, payload, _signature = (_decode(part) for part in token.split("."))
    headers = _object(header)
    if not headers.keys() <= _HEADERS:
        raise TokenRefused("header_not_allowed")
    algorithm, kid, type_ = headers.get("alg"), headers.get("kid"), headers.get("typ", "JWT")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise TokenRefused("algorithm_not_allowed")
    if not isinstance(type_, str) or type_.lower() not in _TYPES:
        raise TokenRefused("type_not_allowed")
    if "kid" in headers and not (isinstance(kid, str) and 1 <= len(kid) <= _LONGEST_KID):
        raise TokenRefused("header_not_allowed")
    return Compact(token, algorithm, kid, _object(payload))


def _decode(part: str) -> bytes:
    """Base64url without padding, in the one way to write it: no stray characters, no bits left over."""
    if not _PART.fullmatch(part):
        raise TokenRefused("malformed")
    try:
        raw = urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error:
        raise TokenRefused("malformed") from None
    if urlsafe_b64encode(raw).rstrip(b"=") != part.encode():
        raise TokenRefused("malformed")
    return raw


def _object(raw: bytes) -> dict[str, Any]:
    try:
        return load_object(raw)
    except ValueError:
        raise TokenRefused("malformed") from None
