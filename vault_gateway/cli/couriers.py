"""`vault-gateway courier`: whom the scraping alarm suspended, and who may go on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from vault_gateway.cli.installation import as_operator, data_option, installation
from vault_gateway.cli.printing import json_text, minute
from vault_gateway.couriers import store
from vault_gateway.couriers.listing import view_of
from vault_gateway.couriers.resuming import Resumption
from vault_gateway.database import Connection, Row
from vault_gateway.errors import GatewayError
from vault_gateway.identity.clients import ClientError
from vault_gateway.inforce import always
from vault_gateway.model import utc_now
from vault_gateway.quotas import load_quotas

_READ_AT_ONCE = 1_000


@click.group()
def courier() -> None:
    """Couriers of all carriers."""


@courier.command("list", epilog="Example: vault-gateway courier list --suspended --data data --json")
@click.option("--carrier", help="Only this carrier's.")
@click.option("--suspended", is_flag=True, help="Only those whom the scraping alarm suspended.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@data_option
def list_(carrier: str | None, suspended: bool, as_json: bool, data: Path | None) -> None:
    """List couriers, and since when and for what they are suspended."""
    with installation(data) as here:
        rows = list(_all(here.conn, carrier, suspended=suspended))
    if as_json:
        click.echo(json_text([{"carrier": row["carrier"], **view_of(row)} for row in rows]))
        return
    for row in rows:
        since = row["suspended_at"]
        state = "active" if since is None else f"suspended {minute(since)} for {row['suspended_for']}"
        click.echo(f"{row['carrier']:<24} {row['handle']:<24} {state}")


def _all(conn: Connection, carrier: str | None, *, suspended: bool) -> Iterator[Row]:
    after = ("", "")
    while rows := store.list_couriers(
        conn, carrier, suspended=True if suspended else None, after=after, limit=_READ_AT_ONCE
    ):
        yield from rows
        after = rows[-1]["carrier"], rows[-1]["handle"]


@courier.command("resume", epilog="Example: vault-gateway courier resume rider-7 --carrier yto --data data")
@click.argument("handle")
@click.option("--carrier", required=True, help="The courier's carrier.")
@data_option
def resume(handle: str, carrier: str, data: Path | None) -> None:
    """Lift a courier's suspension, once you know why the alarm rang. It holds everywhere within 5 seconds."""
    with installation(data) as here:
        ledger, operator = as_operator(here)
        quotas = always(load_quotas(here.settings.policies / "quotas.yaml"))
        try:
            Resumption(ledger, quotas, utc_now).resume(operator, handle, carrier)
        except GatewayError as refusal:
            if refusal.code != "not_found":
                raise
            raise ClientError(f"there is no courier {handle} of {carrier}") from None
    click.echo(f"resumed {handle}", err=True)
