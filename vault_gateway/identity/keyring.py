"""What a caller may present: an API key or a JWT."""

from __future__ import annotations

from vault_gateway.database import Database
from vault_gateway.identity.api_keys import KEY_PREFIX, ApiKeys
from vault_gateway.identity.jwts import Jwts
from vault_gateway.identity.key_sets import KeySets
from vault_gateway.identity.sources import load_keys, outside_of
from vault_gateway.model import Clock, Principal
from vault_gateway.settings.model import Settings


class Keyring:
    """Tells the two apart by how they begin: a JWT's header is a JSON object, whose base64url is never `vg_...`."""

    def __init__(self, api_keys: ApiKeys, jwts: Jwts) -> None:
        self._api_keys = api_keys
        self._jwts = jwts

    def principal(self, key: str) -> Principal | None:
        if key.startswith(KEY_PREFIX):
            return self._api_keys.principal(key)
        return self._jwts.principal(key)


def keyring(settings: Settings, database: Database, clock: Clock) -> Keyring:
    """The keyring of one gateway process. Raises at once for an authority file that cannot be read."""
    outside = outside_of(settings)
    if outside.ca_file is not None:
        outside.tls()
    # Half of the threads at most wait for issuers' servers.
    key_sets = KeySets(
        lambda source: load_keys(source, outside), waiting_at_most=max(1, settings.threads // 2)
    )
    jwts = Jwts(database, key_sets, clock, longest_life_s=settings.jwt_life_s)
    return Keyring(ApiKeys(database), jwts)
