"""An operator's work: which JWT issuers are trusted, for what, and which of their tokens no longer are."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from vault_gateway.database import Connection
from vault_gateway.identity import issuer_store, store
from vault_gateway.identity.clients import RESERVED, ClientError, check_names, register_names
from vault_gateway.identity.fetch import JwksError, is_url, require_fetchable
from vault_gateway.identity.sources import load_keys
from vault_gateway.model import CARRIER_PLATFORM, Role
from vault_gateway.outside.calling import Outside

# No spaces and nothing beyond ASCII: what is not in this alphabet only looks like an issuer that is.
_TEXT = re.compile(r"[!-~]{1,255}")

# What the issuer of each role has to be bound to, and what it may be bound to besides. A telecom is known by the
# name of its client, which owns numbers: it comes with a key.
_BOUND_TO: dict[Role, tuple[frozenset[str], frozenset[str]]] = {
    Role.PLATFORM: (frozenset({"platform"}), frozenset()),
    Role.MERCHANT: (frozenset({"platform"}), frozenset({"merchant"})),
    Role.CARRIER: (frozenset({"carrier"}), frozenset()),
    Role.STATION: (frozenset({"carrier"}), frozenset()),
    Role.COURIER: (frozenset({"carrier"}), frozenset()),
    Role.AUDITOR: (frozenset(), frozenset({"platform", "merchant"})),
    Role.RESPONDER: (frozenset(), frozenset()),
    Role.OPERATOR: (frozenset(), frozenset()),
}


class IssuerError(ClientError):
    """The issuer cannot be trusted so; the message says what to change."""


@dataclass(frozen=True, slots=True)
class NewIssuer:
    iss: str
    jwks: str
    roles: frozenset[Role]
    platform: str | None = None
    merchant: str | None = None
    carrier: str | None = None


def check(issuer: NewIssuer) -> None:
    """Raises IssuerError unless every role fits what the issuer is bound to."""
    if not _TEXT.fullmatch(issuer.iss):
        raise IssuerError("the issuer is the `iss` of its tokens: 1 to 255 of printable ASCII without spaces")
    if not issuer.roles:
        raise IssuerError("an issuer needs at least one --role")
    given = {name for name in ("platform", "merchant", "carrier") if getattr(issuer, name) is not None}
    for role in sorted(issuer.roles):
        if role not in _BOUND_TO:
            raise IssuerError(f"a {role} comes with an API key: vault-gateway client add")
        needed, optional = _BOUND_TO[role]
        if missing := needed - given:
            raise IssuerError(f"an issuer of the role {role} needs --{' --'.join(sorted(missing))}")
        if extra := given - needed - optional:
            raise IssuerError(f"an issuer of the role {role} takes no --{' --'.join(sorted(extra))}")
    if issuer.merchant is not None and issuer.platform is None:
        raise IssuerError("--merchant needs its --platform")
    check_names(issuer.platform, issuer.merchant, issuer.carrier)
    if issuer.platform == CARRIER_PLATFORM:
        raise IssuerError(RESERVED)


def settled_source(source: str, outside: Outside, say: Callable[[str], None]) -> str:
    """The source as it is kept, a file by its absolute path; IssuerError unless it gives keys right now."""
    try:
        if is_url(source):
            require_fetchable(source, outside)
        else:
            source = str(Path(source).resolve())
        keys = load_keys(source, outside)
    except JwksError as failure:
        raise IssuerError(f"--jwks: {failure}") from None
    for reason in keys.skipped:
        say(f"not used, {reason}")
    return source


def add(
    conn: Connection,
    issuer: NewIssuer,
    now: datetime,
    *,
    create_keys: Callable[[str], None],
    say: Callable[[str], None],
) -> str:
    """Trusts an issuer and registers what it names; returns the id by which the access log names it.

    `create_keys(platform)` makes a platform's transit keys, as for a client. Where couriers will come by JWT,
    the keys of that carrier's couriers end for good.
    """
    check(issuer)
    if issuer.platform is not None:
        create_keys(issuer.platform)
    if issuer.carrier is not None:
        create_keys(CARRIER_PLATFORM)
    issuer_id = secrets.token_hex(5)
    with conn.transaction():
        register_names(conn, issuer.platform, issuer.merchant, issuer.carrier, None, now=now, say=say)
        row = {
            "id": issuer_id,
            "iss": issuer.iss,
            "jwks": issuer.jwks,
            "roles": sorted(role.value for role in issuer.roles),
            "platform": issuer.platform,
            "merchant": issuer.merchant,
            "carrier": issuer.carrier,
            "now": now,
        }
        if issuer.carrier is not None:
            store.lock_carrier(conn, issuer.carrier)
        if not issuer_store.insert_issuer(conn, row):
            raise IssuerError(
                "that issuer is trusted already, or another one mints this carrier's couriers: revoke it first"
            )
        if Role.COURIER in issuer.roles and issuer.carrier is not None:
            ended = issuer_store.revoke_courier_clients(conn, issuer.carrier, now)
            if ended:
                say(f"revoked the API keys of {ended} couriers of {issuer.carrier}")
    return issuer_id


def revoke(conn: Connection, iss: str, now: datetime) -> None:
    if not issuer_store.revoke_issuer(conn, iss, now):
        raise IssuerError("there is no trusted issuer of that name")


def revoke_token(conn: Connection, iss: str, jti: str, now: datetime) -> None:
    """For good: nobody knows how late a token may begin that has that `jti`."""
    if not _TEXT.fullmatch(jti):
        raise IssuerError("a jti is 1 to 255 of printable ASCII without spaces")
    if not issuer_store.knows_issuer(conn, iss):
        raise IssuerError("there is no issuer of that name")
    issuer_store.revoke_token(conn, iss, jti, now)
