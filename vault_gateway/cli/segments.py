"""`vault-gateway segment`: ranges of waybill numbers that merchants may issue."""

from __future__ import annotations

from pathlib import Path

import click

from vault_gateway.cli.installation import data_option, installation, operating, told
from vault_gateway.cli.printing import json_text
from vault_gateway.identity.clients import check_names
from vault_gateway.model import Tenant, utc_now
from vault_gateway.networks import granting, store
from vault_gateway.networks.http import view_of
from vault_gateway.networks.loading import load_networks


@click.group()
def segment() -> None:
    """Ranges of waybill numbers, each granted to one merchant."""


@segment.command(
    "grant",
    epilog="Example: vault-gateway segment grant YT6000000000000 YT6000000099999 --platform douyin --merchant tea"
    " --branch hangzhou-1 --data data",
)
@click.argument("first")
@click.argument("last")
@click.option("--platform", required=True, help="The merchant's platform.")
@click.option("--merchant", required=True, help="Who may issue the numbers.")
@click.option("--branch", default="main", show_default=True, help="The carrier's branch that collects there.")
@click.option("--carrier", help="What the carrier is called here, where not as in the network's file.")
@click.option(
    "--low-water",
    type=click.IntRange(0),
    help="Warn when no more numbers than this are left; a tenth of the range where not given.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@data_option
def grant(
    first: str,
    last: str,
    platform: str,
    merchant: str,
    branch: str,
    carrier: str | None,
    low_water: int | None,
    as_json: bool,
    data: Path | None,
) -> None:
    """Grant a merchant the numbers from FIRST to LAST, both included.

    They have to be of one segment of a network (see `vault-gateway network list`), granted to nobody yet and on no
    parcel. The merchant's waybills of that network and carrier take their numbers from it from now on.
    """
    check_names(platform, merchant, branch, carrier)
    wanted = granting.Grant(Tenant(platform, merchant), first, last, branch, carrier, low_water)
    with installation(data) as here:
        networks = load_networks(here.settings.policies / "networks")
        with operating(here, platform=platform, merchant=merchant) as unit:
            granted = granting.grant(here.conn, networks, wanted, utc_now())
            unit.record(
                told("segment.grant", f"segment:{first}-{last}", carrier=granted["carrier"], branch=branch)
            )
    if as_json:
        click.echo(json_text(granted))
    else:
        click.echo(
            f"granted {granted['numbers']:,} numbers of {granted['network']} with {granted['carrier']}"
        )


@segment.command("list", epilog="Example: vault-gateway segment list --json --data data")
@click.option("--platform", help="Only this platform's merchants.")
@click.option("--merchant", help="Only this merchant.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@data_option
def list_(platform: str | None, merchant: str | None, as_json: bool, data: Path | None) -> None:
    """List segments and their balances. What is available, issued, cancelled and recycled."""
    with installation(data) as here:
        rows = [
            row
            for row in store.balances(here.conn)
            if platform in (None, row["platform"]) and merchant in (None, row["merchant"])
        ]
    if as_json:
        told = [{"platform": row["platform"], "merchant": row["merchant"], **view_of(row)} for row in rows]
        click.echo(json_text(told))
        return
    click.echo(
        f"{'merchant':<24} {'network/carrier/branch':<32} {'first':<18} {'available':>12} {'issued':>12}"
        f" {'cancelled':>10} {'recycled':>9}"
    )
    for row in rows:
        whose = f"{row['platform']}/{row['merchant']}"
        where = f"{row['network']}/{row['carrier']}/{row['branch']}"
        low = "  low" if row["low_since"] else ""
        click.echo(
            f"{whose:<24} {where:<32} {row['first_no']:<18} {row['available']:>12,} {row['issued']:>12,}"
            f" {row['cancelled']:>10,} {row['recycled']:>9,}{low}"
        )
