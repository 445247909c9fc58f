"""Responders come by JWT only: an issuer of theirs, registered as an operator would, and its people."""

from __future__ import annotations

import base64
import json
import secrets
from typing import Any

from tests.functional.identity.conftest import register
from tests.functional.identity.provider import Provider
from tests.world import Actor, World, unique
from vault_gateway.identity import issuers


class Desk:
    """One issuer of responders. `people` and what they present are named by their `sub`."""

    def __init__(self, world: World, *roles: str) -> None:
        self.world = world
        self.provider = Provider(f"https://{unique('desk')}.example")
        file = world.instance.engines.data / f"{unique('jwks')}.json"
        file.write_bytes(self.provider.jwks())
        self.issuer_id = register(world, self.provider.iss, str(file), *(roles or ("responder",)))

    def responder(self, sub: str | None = None, *, app: Any = None) -> Actor:
        """Someone with a fresh token; the same `sub` is the same person."""
        now = int(self.world.clock().timestamp())
        name = sub or unique("r")
        token = self.provider.token(
            sub=name, role="responder", jti=secrets.token_hex(8), iat=now, exp=now + 43_200
        )
        return Actor(app or self.world.app, token, name)

    def id_of(self, person: Actor) -> str:
        return f"jwt:{self.issuer_id}:{person.name}"

    def revoke_token_of(self, person: Actor) -> None:
        """The one that this actor presents."""
        payload = person.key.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        with self.world.admin() as conn:
            issuers.revoke_token(conn, self.provider.iss, claims["jti"], self.world.clock())

    def close(self) -> None:
        """The issuer is trusted no more."""
        with self.world.admin() as conn:
            issuers.revoke(conn, self.provider.iss, self.world.clock())
