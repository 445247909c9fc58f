"""The installation that a command works on: the embedded one in `--data`, or that of the environment."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
import psycopg

from vault_gateway.access import Access, load_policies
from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Ledger, Unit
from vault_gateway.database import Connection, Database
from vault_gateway.embedded.instance import administer
from vault_gateway.ids import base32, new_id
from vault_gateway.keys import Credential, KeysUnavailable, Operator, Vault
from vault_gateway.model import Caller, Principal, Role, Tenant, utc_now
from vault_gateway.settings.environment import from_environment
from vault_gateway.settings.model import Settings, SettingsError


@dataclass(frozen=True, slots=True)
class Installation:
    """What an operator works with: a connection that may register, Vault, and the operating identity there."""

    database: Database
    conn: Connection
    vault: Vault
    operator: Operator
    settings: Settings


def as_operator(here: Installation) -> tuple[Ledger, Caller]:
    """What a command changes is an event like all others, of whoever may run it here."""
    return Ledger(here.database, _access(here), utc_now), _caller()


@contextmanager
def operating(
    here: Installation, *, platform: str | None = None, merchant: str | None = None
) -> Iterator[Unit]:
    """One transaction over the command's own connection: what it changes there commits with its event, which is filed
    where the auditors of the platform or merchant named read it."""
    with here.conn.transaction():
        unit = Unit(here.conn, _caller(platform), utc_now, _access(here))
        if platform is not None and merchant is not None:
            unit.enter(Tenant(platform, merchant))
        yield unit


def told(action: str, resource: str, *, carrier: str | None = None, **detail: str | int | None) -> Event:
    """A command's event. Who ran it is what the operating system says, for nothing else is known here."""
    known = {name: value for name, value in detail.items() if value is not None}
    return Event(action, resource=resource, carrier=carrier, detail={**known, "user": _user()})


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())


def _access(here: Installation) -> Access:
    return Access(load_policies(here.settings.policies / "access"))


def _caller(platform: str | None = None) -> Caller:
    principal = Principal("cli:operator", Role.OPERATOR, platform=platform)
    return Caller(principal, base32(new_id(utc_now())), None)


data_option = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder of an embedded instance, running or not. Without it the environment's settings hold.",
)


@contextmanager
def installation(data: Path | None) -> Iterator[Installation]:
    if data is None:
        try:
            settings = from_environment()
        except SettingsError as error:
            raise SettingsError(f"{error} (for an embedded instance give --data)") from None
        with _opened(settings) as opened:
            yield opened
        return
    with administer(data) as settings, _opened(settings) as opened:
        yield opened


@contextmanager
def _opened(settings: Settings) -> Iterator[Installation]:
    operator = needed_identity(settings, "operator")
    conninfo = settings.operator_database_url or settings.admin_database_url
    if conninfo is None:
        raise SettingsError(
            "VAULT_GATEWAY_OPERATOR_DATABASE_URL is not set: this command needs it, for a node's login sees too little"
        )
    _require_database(conninfo)
    database = Database(conninfo, max_connections=2)
    database.open()
    try:
        with (
            Vault(settings.vault_addr, ca_file=settings.vault_ca, operations=1) as vault,
            database.connection() as conn,
        ):
            yield Installation(database, conn, vault, Operator(vault, operator), settings)
    except KeysUnavailable as failure:
        raise SettingsError(f"Vault cannot be used now ({failure.reason})") from None
    finally:
        database.close()


def _require_database(conninfo: str) -> None:
    """The pool would try again and again, and say so each time."""
    try:
        psycopg.connect(conninfo, connect_timeout=5).close()
    except psycopg.OperationalError as error:
        # Before there is a session the text is of addresses and names alone.
        raise SettingsError(f"the database cannot be used: {' '.join(str(error).split())}") from None


def needed_identity(settings: Settings, name: str) -> Credential:
    """SettingsError where the settings have none of that name."""
    if name not in settings.identities:
        prefix = f"VAULT_GATEWAY_{name.upper()}"
        raise SettingsError(f"{prefix}_ROLE_ID and _SECRET_ID are not set: this command needs them")
    return settings.identities[name]
