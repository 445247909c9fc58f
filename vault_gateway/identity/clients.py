"""An operator's work: clients, and the platforms, merchants, carriers and stations that they name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from vault_gateway.database import Connection, Row
from vault_gateway.identity import store
from vault_gateway.identity.api_keys import key_digest, new_key
from vault_gateway.model import CARRIER_PLATFORM, SLUG, Role, Tenant


class ClientError(Exception):
    """The client cannot be added; the message says what to change."""


# What a client of each role must name, and what it may name besides.
_NEEDS: dict[Role, tuple[frozenset[str], frozenset[str]]] = {
    Role.PLATFORM: (frozenset({"platform"}), frozenset()),
    Role.MERCHANT: (frozenset({"platform", "merchant"}), frozenset()),
    Role.CARRIER: (frozenset({"carrier"}), frozenset()),
    Role.STATION: (frozenset({"carrier", "station"}), frozenset()),
    Role.COURIER: (frozenset({"carrier"}), frozenset({"station"})),
    Role.TELECOM: (frozenset(), frozenset()),
    Role.AUDITOR: (frozenset(), frozenset({"platform", "merchant"})),
    Role.OPERATOR: (frozenset(), frozenset()),
}


@dataclass(frozen=True, slots=True)
class NewClient:
    name: str
    role: Role
    platform: str | None = None
    merchant: str | None = None
    carrier: str | None = None
    station: str | None = None


def check(client: NewClient) -> None:
    """Raises ClientError unless the names are slugs and fit the role."""
    if client.role is Role.RESPONDER:
        raise ClientError("a responder comes by JWT only, so that every reveal has a person behind it")
    given = {
        name for name in ("platform", "merchant", "carrier", "station") if getattr(client, name) is not None
    }
    needed, optional = _NEEDS[client.role]
    if missing := needed - given:
        raise ClientError(f"a {client.role} needs --{' --'.join(sorted(missing))}")
    if extra := given - needed - optional:
        raise ClientError(f"a {client.role} takes no --{' --'.join(sorted(extra))}")
    if client.merchant is not None and client.platform is None:
        raise ClientError("--merchant needs its --platform")
    for value in (client.name, client.platform, client.merchant, client.carrier, client.station):
        if value is not None and not SLUG.fullmatch(value):
            raise ClientError(
                "names are 1 to 40 of a-z, 0-9 and -, beginning and ending with a letter or digit"
            )
    if client.platform == CARRIER_PLATFORM:
        raise ClientError(f"the platform name {CARRIER_PLATFORM!r} is reserved for couriers' phones")


def add(
    conn: Connection,
    client: NewClient,
    now: datetime,
    *,
    create_keys: Callable[[str], None],
    say: Callable[[str], None],
) -> str:
    """Registers a client and what it names; returns its API key, which is kept nowhere.

    `create_keys(platform)` makes a platform's transit keys: first, for a platform without keys is of no use.
    """
    check(client)
    if client.platform is not None:
        create_keys(client.platform)
    if client.carrier is not None:
        create_keys(CARRIER_PLATFORM)
    key = new_key()
    with conn.transaction():
        _register_names(conn, client, now, say)
        row: Row = {
            "name": client.name,
            "role": client.role.value,
            "platform": client.platform,
            "merchant": client.merchant,
            "carrier": client.carrier,
            "station": client.station,
            "key_digest": key_digest(key),
            "now": now,
        }
        if not store.insert_client(conn, row):
            raise ClientError(f"there is, or was, a client {client.name!r}; names are never used twice")
        if client.role is Role.COURIER and client.carrier is not None:
            store.ensure_courier(conn, client.carrier, client.name, client.station, None, now)
    return key


def _register_names(conn: Connection, client: NewClient, now: datetime, say: Callable[[str], None]) -> None:
    if client.platform is not None and store.ensure_platform(conn, client.platform, now):
        say(f"registered platform {client.platform}")
    if client.platform is not None and client.merchant is not None:
        tenant = Tenant(client.platform, client.merchant)
        if store.ensure_tenant(conn, tenant, now):
            say(f"registered merchant {client.merchant} of {client.platform}")
    if client.carrier is not None:
        if store.ensure_carrier(conn, client.carrier, now):
            say(f"registered carrier {client.carrier}")
        store.ensure_tenant(conn, Tenant(CARRIER_PLATFORM, client.carrier), now)
        if client.station is not None and store.ensure_station(conn, client.carrier, client.station, now):
            say(f"registered station {client.carrier}/{client.station}")
