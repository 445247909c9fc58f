"""The claims that say for whom, from when and until when a JWT holds (RFC 7519, RFC 8725)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from vault_gateway.identity.compact import TokenRefused

AUDIENCE = "vault-gateway"
SKEW_S = 60
_LONGEST_TEXT = 255
# 9999-12-31: beyond it no time can be written.
_LAST_SECOND = 253_402_300_799


def text_claim(claims: Mapping[str, Any], name: str) -> str | None:
    """A claim of printable ASCII without spaces, if it is there at all."""
    if name not in claims:
        return None
    value = claims[name]
    if not isinstance(value, str) or not 1 <= len(value) <= _LONGEST_TEXT:
        raise TokenRefused("claim_malformed")
    if not all("!" <= character <= "~" for character in value):
        raise TokenRefused("claim_malformed")
    return value


def require_audience(claims: Mapping[str, Any]) -> None:
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if not all(isinstance(one, str) for one in audiences) or AUDIENCE not in audiences:
        raise TokenRefused("audience")


def require_in_time(claims: Mapping[str, Any], now: datetime, longest_life_s: int) -> datetime:
    """When the token ends, the clocks' difference of 60 s included. `exp` must be there; a life longer than
    `longest_life_s` is refused, counted from `iat` where there is one and from now where there is none."""
    seconds = now.timestamp()
    expires, not_before, issued = (_time(claims, name) for name in ("exp", "nbf", "iat"))
    if expires is None:
        raise TokenRefused("claim_missing")
    if seconds >= expires + SKEW_S:
        raise TokenRefused("expired")
    if any(start is not None and start > seconds + SKEW_S for start in (not_before, issued)):
        raise TokenRefused("not_yet_valid")
    if expires - (seconds if issued is None else issued) > longest_life_s:
        raise TokenRefused("lives_too_long")
    return datetime.fromtimestamp(expires + SKEW_S, UTC)


def _time(claims: Mapping[str, Any], name: str) -> int | None:
    """Whole seconds since 1970. True and 1.0 are numbers too, but nobody means a time by them."""
    if name not in claims:
        return None
    value = claims[name]
    if type(value) is not int or not 0 <= value <= _LAST_SECOND - SKEW_S:
        raise TokenRefused("claim_malformed")
    return value
