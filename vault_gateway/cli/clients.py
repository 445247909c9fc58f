"""`vault-gateway client`: who may call."""

from __future__ import annotations

from pathlib import Path

import click

from vault_gateway.cli.installation import data_option, installation, operating, told
from vault_gateway.cli.printing import json_text, minute
from vault_gateway.identity import clients, store
from vault_gateway.model import Role, utc_now


@click.group()
def client() -> None:
    """Add, list and revoke the clients of the gateway."""


@client.command(
    "add",
    epilog="Example: vault-gateway client add shop --role merchant --platform douyin --merchant tea --data data",
)
@click.argument("name")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--platform", help="The marketplace that the client acts in.")
@click.option("--merchant", help="The merchant of that platform.")
@click.option("--carrier", help="The express company.")
@click.option("--station", help="The station of that carrier.")
@data_option
def add(
    name: str,
    role: str,
    platform: str | None,
    merchant: str | None,
    carrier: str | None,
    station: str | None,
    data: Path | None,
) -> None:
    """Add a client and print its API key. It is shown this once and kept nowhere.

    Platforms, merchants, carriers and stations that it names are registered with a line on stderr.
    """
    new = clients.NewClient(name, Role(role), platform, merchant, carrier, station)
    clients.check(new)
    with installation(data) as here, operating(here, platform=platform, merchant=merchant) as unit:
        key = clients.add(
            here.conn,
            new,
            utc_now(),
            create_keys=here.operator.create_platform,
            say=lambda line: click.echo(line, err=True),
        )
        unit.record(told("client.add", f"client:{name}", carrier=carrier, role=role, station=station))
    click.echo(key)


@client.command("list", epilog="Example: vault-gateway client list --data data --json")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@data_option
def list_(as_json: bool, data: Path | None) -> None:
    """List all clients, revoked ones too, with the times (UTC) of both."""
    with installation(data) as here:
        rows = store.list_clients(here.conn)
    if as_json:
        click.echo(json_text(rows))
        return
    for row in rows:
        names = [
            f"{n}={row[n]}" for n in ("platform", "merchant", "carrier", "station") if row[n] is not None
        ]
        state = "active" if row["revoked_at"] is None else f"revoked {minute(row['revoked_at'])}"
        added = minute(row["created_at"])
        click.echo(
            f"{row['name']:<24} {row['role']:<10} added {added}  {state:<25}  {' '.join(names)}".rstrip()
        )


@client.command("revoke", epilog="Example: vault-gateway client revoke shop --data data")
@click.argument("name")
@data_option
def revoke(name: str, data: Path | None) -> None:
    """Revoke a client's key. It holds everywhere within 5 seconds."""
    with installation(data) as here:
        row = store.client_by_name(here.conn, name)
        whose = {} if row is None else {"platform": row["platform"], "merchant": row["merchant"]}
        with operating(here, **whose) as unit:
            if row is None or not store.revoke_client(here.conn, name, utc_now()):
                raise clients.ClientError(f"there is no active client {name!r}")
            unit.record(told("client.revoke", f"client:{name}", carrier=row["carrier"], role=row["role"]))
    click.echo(f"revoked {name}", err=True)
