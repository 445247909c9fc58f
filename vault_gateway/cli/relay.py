"""`vault-gateway relay`: the pool of relay numbers, and how large it has to be."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

import click

from vault_gateway.cli.installation import (
    as_operator,
    data_option,
    installation,
    needed_identity,
    operating,
    told,
)
from vault_gateway.database import Connection
from vault_gateway.identity.clients import ClientError
from vault_gateway.identity.store import client_by_name, platform_exists
from vault_gateway.identity.tenants import TenantRegistry
from vault_gateway.inforce import always
from vault_gateway.keys import Tokenizer
from vault_gateway.model import SLUG, Role, Tenant, utc_now
from vault_gateway.relay import plan as planning
from vault_gateway.relay.own_phones import OwnPhones
from vault_gateway.relay.regions import region_named
from vault_gateway.relay.service import RelayService
from vault_gateway.relay.service_numbers import ServiceNumbers
from vault_gateway.relay.store import pool as store
from vault_gateway.relay.store.counting import state_of_pool
from vault_gateway.retention import load_retention
from vault_gateway.tokens.masks import MaskingProfile
from vault_gateway.tokens.normalise import Normaliser
from vault_gateway.tokens.phones import e164
from vault_gateway.tokens.service import TokenService
from vault_gateway.tokens.text import ValueRefused


@click.group()
def relay() -> None:
    """Numbers that people call instead of each other's."""


@relay.group()
def pool() -> None:
    """The numbers that a telecom lends to this installation."""


@pool.command(
    "add",
    epilog="Example: vault-gateway relay pool add +8617000000001 --telecom voice --region 杭州市 --data data",
)
@click.argument("numbers", nargs=-1, metavar="NUMBER...")
@click.option(
    "--file", "file", type=click.File(encoding="utf-8"), help="More numbers, one a line; - reads from stdin."
)
@click.option("--mode", type=click.Choice(["extension", "axb"]), default="extension", show_default=True)
@click.option("--region", help="Province or city that they serve first; without it they serve everywhere.")
@click.option("--telecom", required=True, help="The client (role telecom) that owns them.")
@click.option(
    "--digits", type=click.IntRange(4, 8), default=planning.DIGITS, show_default=True, help="Of an extension."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@data_option
def add(
    numbers: tuple[str, ...],
    file: TextIO | None,
    mode: str,
    region: str | None,
    telecom: str,
    digits: int,
    as_json: bool,
    data: Path | None,
) -> None:
    """Add numbers to the pool. Those that are there already stay as they are."""
    given = [*numbers, *(line.strip() for line in file if line.strip())] if file else list(numbers)
    if not given:
        raise click.UsageError("name at least one number, or --file")
    wanted = _numbers(given)
    region = None if region is None else _region(region, wanted)
    with installation(data) as here, operating(here) as unit:
        added = store.add_numbers(
            here.conn,
            wanted,
            telecom=_telecom(here.conn, telecom),
            mode=mode,
            region=region,
            digits=digits if mode == "extension" else 0,
            capacity=planning.capacity(mode, digits),
            now=utc_now(),
        )
        unit.record(told("relay.pool.add", f"telecom:{telecom}", mode=mode, region=region, added=added))
    known = len(wanted) - added
    click.echo(
        json.dumps({"added": added, "known": known}) if as_json else f"added {added}, {known} were there"
    )


@pool.command("retire", epilog="Example: vault-gateway relay pool retire +8617000000001 --data data")
@click.argument("numbers", nargs=-1, required=True, metavar="NUMBER...")
@data_option
def retire(numbers: tuple[str, ...], data: Path | None) -> None:
    """Give these to no further parcel, for good. Parcels that have them keep them."""
    wanted = _numbers(numbers)
    with installation(data) as here, operating(here) as unit:
        _require_known(here.conn, wanted)
        retired = store.retire_numbers(here.conn, wanted, utc_now())
        unit.record_all([told("relay.pool.retire", f"number:{number}") for number in wanted])
    click.echo(f"retired {retired}, {len(wanted) - retired} were so already")


@pool.command(
    "move", epilog="Example: vault-gateway relay pool move +8617000000001 --telecom voice2 --data data"
)
@click.argument("numbers", nargs=-1, required=True, metavar="NUMBER...")
@click.option("--telecom", required=True, help="The client (role telecom) that owns them from now on.")
@data_option
def move(numbers: tuple[str, ...], telecom: str, data: Path | None) -> None:
    """Hand numbers to another telecom. It alone is told where their calls go; parcels keep their numbers."""
    wanted = _numbers(numbers)
    with installation(data) as here, operating(here) as unit:
        owner = _telecom(here.conn, telecom)
        _require_known(here.conn, wanted)
        moved = store.move_numbers(here.conn, wanted, owner)
        unit.record_all([told("relay.pool.move", f"number:{one}", telecom=telecom) for one in wanted])
    click.echo(f"moved {moved}, {len(wanted) - moved} were there already")


def _telecom(conn: Connection, name: str) -> str:
    """The principal. Whoever mistypes it would lend numbers to nobody, whose calls then reach nobody."""
    client = client_by_name(conn, name)
    if client is None or client["role"] != Role.TELECOM.value or not client["live"]:
        raise ClientError(f"there is no client {name} with the role telecom and a key in force")
    return f"key:{name}"


def _require_known(conn: Connection, numbers: list[str]) -> None:
    missing = store.missing_numbers(conn, numbers)
    if missing:
        raise ClientError(f"not in the pool: {' '.join(missing)}")


def _region(text: str, numbers: Iterable[str]) -> str:
    """Numbers of other countries serve regions of which no list is here."""
    if not any(number.startswith("+86") for number in numbers) and text.strip():
        return text.strip()
    region = region_named(text)
    if region is None:
        raise click.UsageError(f"{text} is no province or city of China, or of several: write the full name")
    return region


def _numbers(given: Iterable[str]) -> list[str]:
    """Each once."""
    return list(dict.fromkeys(_number(text) for text in given))


def _number(text: str) -> str:
    try:
        return e164(text)
    except ValueRefused as refusal:
        raise click.UsageError(f"{text}: {refusal.detail}") from None


@pool.command("list", epilog="Example: vault-gateway relay pool list --data data")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@data_option
def list_(as_json: bool, data: Path | None) -> None:
    """What of the numbers is live, at rest and free. A line for each mode and region."""
    with installation(data) as here:
        rows = state_of_pool(here.conn, utc_now())
    if as_json:
        click.echo(json.dumps(rows, default=int))
        return
    click.echo(
        f"{'mode':<10} {'region':<10} {'numbers':>8} {'capacity':>12} {'live':>10} {'cooling':>10} {'free':>12}"
    )
    for row in rows:
        click.echo(
            f"{row['mode']:<10} {row['region'] or '-':<10} {row['numbers']:>8,} {row['capacity']:>12,}"
            f" {row['live']:>10,} {row['cooling']:>10,} {row['free']:>12,}"
        )


@relay.group("service-number")
def service_number() -> None:
    """A merchant's service number, one side of its pairs."""


@service_number.command(
    "set",
    epilog="Example: vault-gateway relay service-number set +864001234567 --platform douyin --merchant tea"
    " --data data",
)
@click.argument("number")
@click.option("--platform", required=True, help="The merchant's platform.")
@click.option("--merchant", required=True, help="Whose number it is.")
@data_option
def set_(number: str, platform: str, merchant: str, data: Path | None) -> None:
    """Register a merchant's service number, in place of the one before. Prints its mask."""
    if not SLUG.fullmatch(platform) or not SLUG.fullmatch(merchant):
        raise click.UsageError("names are 1 to 40 of a-z, 0-9 and -")
    with installation(data) as here:
        if not platform_exists(here.conn, platform):
            raise ClientError(f"there is no platform {platform}: `vault-gateway client add` makes it")
        ledger, operator = as_operator(here)
        normaliser = Normaliser(always(MaskingProfile.load(here.settings.policies / "masking.yaml")))
        tokens = TokenService(
            ledger,
            Tokenizer(here.vault, needed_identity(here.settings, "tokenizer")),
            normaliser,
            TenantRegistry(utc_now),
            utc_now,
            missed_searches_a_day=0,
        )
        periods = load_retention(here.settings.policies / "retention.yaml").relay
        phones = OwnPhones(tokens, normaliser, RelayService(utc_now, lambda: periods))
        service = ServiceNumbers(ledger, phones, utc_now)
        click.echo(service.register(operator, Tenant(platform, merchant), number))


@relay.command("plan", epilog="Example: vault-gateway relay plan --parcels-per-day 20000000 --days-live 15")
@click.option("--parcels-per-day", type=click.IntRange(1), required=True, help="That get a number.")
@click.option(
    "--days-live",
    type=click.FloatRange(0, min_open=True),
    required=True,
    help="How long a parcel has its number.",
)
@click.option(
    "--days-of-cooldown",
    type=click.FloatRange(0),
    default=planning.DAYS_OF_COOLDOWN,
    show_default=True,
    help="How long it rests afterwards.",
)
@click.option("--mode", type=click.Choice(["extension", "axb"]), default="extension", show_default=True)
@click.option(
    "--digits", type=click.IntRange(4, 8), default=planning.DIGITS, show_default=True, help="Of an extension."
)
@click.option(
    "--fill",
    type=click.FloatRange(0, 1, min_open=True),
    default=planning.FILL,
    show_default=True,
    help="The part of a number's extensions that is ever in use.",
)
@click.option(
    "--pairs",
    type=click.IntRange(1),
    default=planning.AXB_PAIRS,
    show_default=True,
    help="That a number serves (axb).",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def plan(
    parcels_per_day: int,
    days_live: float,
    days_of_cooldown: float,
    mode: str,
    digits: int,
    fill: float,
    pairs: int,
    as_json: bool,
) -> None:
    """How many numbers the pool needs. Shows the terms of the formula."""
    ends = planning.capacity(mode, digits, fill, pairs)
    made = planning.Plan(parcels_per_day, days_live, days_of_cooldown, ends)
    if as_json:
        click.echo(json.dumps({"numbers": made.numbers, "occupied": made.occupied, "ends_per_number": ends}))
        return
    held = f"10^{digits} extensions x {fill:g} filled" if mode == "extension" else "pairs"
    click.echo("numbers = parcels a day x (days live + days of cooldown) / bindings a number holds")
    click.echo(f"        = {parcels_per_day:,} x ({days_live:g} + {days_of_cooldown:g}) / {ends:,} ({held})")
    click.echo(f"        = {made.numbers:,}")
