"""An operator's work: clients, and the platforms, merchants, carriers and stations that they name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from vault_gateway.database import Connection, Row
from vault_gateway.errors import OperatingError
from vault_gateway.identity import issuer_store, store
from vault_gateway.identity.api_keys import key_digest, new_key
from vault_gateway.identity.bindings import NAMES, NAMES_OF_ROLE
from vault_gateway.model import CARRIER_PLATFORM, SLUG, Role, Tenant

RESERVED = f"the platform name {CARRIER_PLATFORM!r} is reserved for couriers' phones"


class ClientError(OperatingError):
    """The client cannot be added; the message says what to change."""


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
    given = {name for name in NAMES if getattr(client, name) is not None}
    needed, optional = NAMES_OF_ROLE[client.role]
    if missing := needed - given:
        raise ClientError(f"a {client.role} needs --{' --'.join(sorted(missing))}")
    if extra := given - needed - optional:
        raise ClientError(f"a {client.role} takes no --{' --'.join(sorted(extra))}")
    if client.merchant is not None and client.platform is None:
        raise ClientError("--merchant needs its --platform")
    check_names(client.name, client.platform, client.merchant, client.carrier, client.station)
    if client.platform == CARRIER_PLATFORM:
        raise ClientError(RESERVED)


def check_names(*names: str | None) -> None:
    if not all(SLUG.fullmatch(name) for name in names if name is not None):
        raise ClientError("names are 1 to 40 of a-z, 0-9 and -, beginning and ending with a letter or digit")


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
        register_names(
            conn, client.platform, client.merchant, client.carrier, client.station, now=now, say=say
        )
        if client.role is Role.COURIER and client.carrier is not None:
            store.lock_carrier(conn, client.carrier)
            if issuer_store.mints_couriers(conn, client.carrier):
                raise ClientError(
                    f"the couriers of {client.carrier} come by JWT of its issuer: a handle would be two people's"
                )
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


def register_names(
    conn: Connection,
    platform: str | None,
    merchant: str | None,
    carrier: str | None,
    station: str | None,
    *,
    now: datetime,
    say: Callable[[str], None],
) -> None:
    """Registers what is named and not there yet, with a line about each."""
    if platform is not None and store.ensure_platform(conn, platform, now):
        say(f"registered platform {platform}")
    if (
        platform is not None
        and merchant is not None
        and store.ensure_tenant(conn, Tenant(platform, merchant), now)
    ):
        say(f"registered merchant {merchant} of {platform}")
    if carrier is not None:
        if store.ensure_carrier(conn, carrier, now):
            say(f"registered carrier {carrier}")
        store.ensure_tenant(conn, Tenant(CARRIER_PLATFORM, carrier), now)
        if station is not None and store.ensure_station(conn, carrier, station, now):
            say(f"registered station {carrier}/{station}")
