"""Who asks, in `access explain`: a client by its name, or an identity provider's subject by what its token says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import click

from vault_gateway.database import Connection
from vault_gateway.identity import issuer_store
from vault_gateway.identity import store as identity_store
from vault_gateway.identity.api_keys import principal_of as client_of
from vault_gateway.identity.bindings import NAMES, Binding
from vault_gateway.identity.bindings import principal_of as subject_of
from vault_gateway.identity.clients import ClientError
from vault_gateway.identity.compact import TokenRefused
from vault_gateway.model import Principal, Role

_OF_JWT = "jwt:"
_OF_KEY = "key:"


def claims_of(texts: tuple[str, ...]) -> dict[str, str]:
    """`("role=courier", ...)` as claims."""
    claims = dict(text.partition("=")[::2] for text in texts)
    if not claims.keys() <= {"role", *NAMES} or not all(claims.values()) or len(claims) != len(texts):
        raise click.UsageError(f"--claim is NAME=VALUE, once for each of: role, {', '.join(NAMES)}")
    return claims


def who_asks(conn: Connection, name: str, claims: Mapping[str, str]) -> tuple[Principal, bool]:
    """The principal, and whether the gateway would listen to it now."""
    if name.startswith(_OF_JWT):
        return _subject(conn, name, claims)
    if claims:
        raise click.UsageError("--claim is for --as jwt:ISSUER_ID:SUB: a client is what it was added as")
    row = identity_store.client_by_name(conn, name.removeprefix(_OF_KEY))
    if row is None:
        raise ClientError("there is no such client")
    return client_of(row), row["live"]


def _subject(conn: Connection, name: str, claims: Mapping[str, str]) -> tuple[Principal, bool]:
    issuer_id, _, subject = name.removeprefix(_OF_JWT).partition(":")
    issuer = next((row for row in issuer_store.list_issuers(conn) if row["id"] == issuer_id), None)
    if issuer is None:
        raise ClientError("there is no such issuer: vault-gateway issuer list shows their ids")
    roles = frozenset(Role(role) for role in issuer["roles"])
    binding = Binding(roles, issuer["platform"], issuer["merchant"], issuer["carrier"])
    try:
        principal = subject_of(issuer_id, binding, {"sub": subject, **claims})
    except TokenRefused as refusal:
        raise click.UsageError(
            f"no token of this issuer says that ({refusal.reason}): it may give {', '.join(sorted(roles))};"
            " say the rest with --claim, for instance --claim role=courier"
        ) from None
    principal = replace(principal, issuer=issuer_id)
    now = issuer_store.still_admitted(conn, issuer_id, issuer["iss"], None, principal)
    return now or principal, now is not None
