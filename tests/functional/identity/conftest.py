"""Issuers as an operator registers them, on the real gateway."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.functional.identity.provider import Provider
from tests.world import Actor, World, unique
from vault_gateway.identity import issuers
from vault_gateway.keys import Operator, Vault
from vault_gateway.model import Role
from vault_gateway.outside.calling import Outside

Trust = Callable[..., Provider]


@pytest.fixture
def trust(world: World, tmp_path: Path) -> Trust:
    """`trust("courier", carrier=...)` makes a provider and registers it; `jwks` is its file where none is given."""

    def add(
        *roles: str,
        provider: Provider | None = None,
        jwks: str | None = None,
        outside: Outside | None = None,
        **names: str,
    ) -> Provider:
        made = provider or Provider(f"https://{unique('id')}.example")
        if jwks is None:
            file = tmp_path / f"{unique('jwks')}.json"
            file.write_bytes(made.jwks())
            jwks = str(file)
        register(world, made.iss, jwks, *roles, outside=outside, **names)
        return made

    return add


def register(
    world: World, iss: str, jwks: str, *roles: str, outside: Outside | None = None, **names: str
) -> str:
    source = issuers.settled_source(jwks, outside or Outside(), lambda _: None)
    new = issuers.NewIssuer(iss, source, frozenset(Role(role) for role in roles), **names)
    with world.admin() as conn, Vault(world.settings.vault_addr, operations=1) as vault:
        operator = Operator(vault, world.settings.identities["operator"])
        return issuers.add(conn, new, world.clock(), create_keys=operator.create_platform, say=lambda _: None)


def holder_of(world: World, token: str) -> Actor:
    return Actor(world.app, token, "jwt")
