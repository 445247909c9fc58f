"""`vault-gateway retention`: records that are past their time."""

from __future__ import annotations

from pathlib import Path

import click

from vault_gateway.cli.installation import data_option, installation
from vault_gateway.cli.printing import json_text
from vault_gateway.flows.removing import remove_old as remove_old_flows
from vault_gateway.model import utc_now
from vault_gateway.relay.removing import remove_old as remove_old_relay_records
from vault_gateway.retention import load_retention


@click.group()
def retention() -> None:
    """Records that are past their time."""


@retention.command("run", epilog="Example: vault-gateway retention run --data data")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@data_option
def run(as_json: bool, data: Path | None) -> None:
    """Remove what is past its period now. A gateway does so again and again, by retention.yaml.

    Parcels that still move keep what decides who may see their phone.
    """
    with installation(data) as here:
        kept = load_retention(here.settings.policies / "retention.yaml")
        removed = {
            "relay": remove_old_relay_records(here.conn, kept.relay.kept, utc_now),
            "flows": remove_old_flows(here.conn, kept.flows, utc_now),
        }
    if as_json:
        click.echo(json_text(removed))
        return
    for room, kinds in removed.items():
        for kind, count in kinds.items():
            click.echo(f"{room:<6} {kind:<10} {count:>12,} removed")
