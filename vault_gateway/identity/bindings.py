"""What an issuer may claim, and the one principal that a token of it stands for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vault_gateway.identity.compact import TokenRefused
from vault_gateway.model import CARRIER_PLATFORM, SLUG, Principal, Role

NAMES = ("platform", "merchant", "carrier", "station")

# What a principal of each role must name, and what it may name besides.
NAMES_OF_ROLE: Mapping[Role, tuple[frozenset[str], frozenset[str]]] = {
    Role.PLATFORM: (frozenset({"platform"}), frozenset()),
    Role.MERCHANT: (frozenset({"platform", "merchant"}), frozenset()),
    Role.CARRIER: (frozenset({"carrier"}), frozenset()),
    Role.STATION: (frozenset({"carrier", "station"}), frozenset()),
    Role.COURIER: (frozenset({"carrier"}), frozenset({"station"})),
    Role.TELECOM: (frozenset(), frozenset()),
    Role.AUDITOR: (frozenset(), frozenset({"platform", "merchant"})),
    Role.RESPONDER: (frozenset(), frozenset()),
    Role.OPERATOR: (frozenset(), frozenset()),
}

# Ids as identity providers make them. No `@`: an e-mail address has no place in an access log that is kept for
# years. No `:`, so that `jwt:ISSUER_ID:sub` reads one way only.
_SUBJECT = re.compile(r"[A-Za-z0-9_|.-]{1,128}")


@dataclass(frozen=True, slots=True)
class Binding:
    """The roles an issuer may give, and the names it is bound to: None is not bound."""

    roles: frozenset[Role]
    platform: str | None = None
    merchant: str | None = None
    carrier: str | None = None


def principal_of(issuer_id: str, binding: Binding, claims: Mapping[str, Any]) -> Principal:
    """Exactly what the claims say, or TokenRefused. A claim that is not there is filled in from the binding,
    the role where the issuer has only one; a claim that the role has no use for is refused, not ignored."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):
        raise TokenRefused("subject")
    role = _role(binding, claims)
    if role is Role.COURIER and not SLUG.fullmatch(subject):
        raise TokenRefused("subject")
    names = {name: _name(name, role, binding, claims) for name in NAMES}
    if names["merchant"] is not None and names["platform"] is None:
        raise TokenRefused("claim_missing")
    handle = subject if role is Role.COURIER else None
    return Principal(
        f"jwt:{issuer_id}:{subject}",
        role,
        platform=names["platform"],
        merchant=names["merchant"],
        carrier=names["carrier"],
        station=names["station"],
        handle=handle,
    )


def _role(binding: Binding, claims: Mapping[str, Any]) -> Role:
    if "role" not in claims:
        if len(binding.roles) != 1:
            raise TokenRefused("claim_missing")
        return next(iter(binding.roles))
    claimed = claims["role"]
    if not isinstance(claimed, str):
        raise TokenRefused("claim_malformed")
    for role in binding.roles:
        if role.value == claimed:
            return role
    raise TokenRefused("beyond_binding")


def _name(name: str, role: Role, binding: Binding, claims: Mapping[str, Any]) -> str | None:
    needed, optional = NAMES_OF_ROLE[role]
    bound = getattr(binding, name, None)
    if name not in claims:
        if name in needed and bound is None:
            raise TokenRefused("claim_missing")
        return bound if name in needed | optional else None
    claimed = claims[name]
    if not isinstance(claimed, str) or not SLUG.fullmatch(claimed):
        raise TokenRefused("claim_malformed")
    if name == "platform" and claimed == CARRIER_PLATFORM:
        raise TokenRefused("claim_malformed")
    if name not in needed | optional or (bound is not None and claimed != bound):
        raise TokenRefused("beyond_binding")
    return claimed
