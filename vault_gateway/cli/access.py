"""`vault-gateway access`: what the policies decide, and why."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

from vault_gateway.access.cases import CASES_FILE, failures, read_cases
from vault_gateway.access.explain import explain
from vault_gateway.access.policies import read_policies
from vault_gateway.access.resources import Resource, access_log, fleet, tenant_ground
from vault_gateway.cli.explained import Told, as_json, as_lines
from vault_gateway.cli.installation import data_option, installation
from vault_gateway.database import Connection, enter_tenant
from vault_gateway.identity import store as identity_store
from vault_gateway.identity.api_keys import principal_of
from vault_gateway.identity.clients import ClientError
from vault_gateway.ids import parse_prefixed
from vault_gateway.model import Principal, utc_now
from vault_gateway.reveals import store as reveal_store
from vault_gateway.reveals.grants import PREFIX as PREFIX_OF_REVEAL
from vault_gateway.reveals.grants import resource_of_grant
from vault_gateway.settings.model import PREFIX
from vault_gateway.settings.policies import policies_folder
from vault_gateway.waybills.finding import resource_of
from vault_gateway.waybills.store.numbers import locate
from vault_gateway.waybills.store.waybills import get_waybill

policies_option = click.option(
    "--policies",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help=f"The folder that holds access/. Without it {PREFIX}POLICIES, or the policies that ship.",
)


@click.group()
def access() -> None:
    """Run the cases of the access policies, and ask them for their reasons."""


@access.command("test", epilog="Example: vault-gateway access test --policies policies")
@click.option("--json", "to_json", is_flag=True, help="Print JSON.")
@policies_option
def test(policies: Path | None, to_json: bool) -> None:
    """Validate the access policies and run every case of cases.yaml.

    Exit code 1 with each case that is decided otherwise. A gateway does the same at its start and on SIGHUP.
    """
    folder = (policies or policies_folder()) / "access"
    loaded = read_policies(folder)
    cases = read_cases(folder / CASES_FILE)
    started = time.perf_counter()
    failed = list(failures(loaded, cases))
    took = (time.perf_counter() - started) * 1000
    if to_json:
        told = {"policies": len(loaded.statements), "cases": len(cases), "failed": [str(f) for f in failed]}
        click.echo(json.dumps(told))
    else:
        for failure in failed:
            click.echo(str(failure))
        verdict = f"{len(failed)} do not hold" if failed else "all hold"
        click.echo(f"{len(loaded.statements)} policies, {len(cases)} cases in {took:.0f} ms: {verdict}")
    if failed:
        raise click.exceptions.Exit(1)


@access.command(
    "explain",
    epilog="Example: vault-gateway access explain --as li --action reveal.issue --on DY1234567890123 "
    "--purpose deliver --data data",
)
@click.option("--as", "name", required=True, help="The client's name.")
@click.option("--action", required=True, help="An action of schema.cedarschema, for instance reveal.issue.")
@click.option(
    "--on", required=True, help="A waybill number, or a reveal id (rv_...) for actions on a reveal."
)
@click.option("--purpose", help="For reveal.issue and reveal.claim: deliver, contact or sort.")
@click.option("--json", "to_json", is_flag=True, help="Print JSON.")
@policies_option
@data_option
def explain_(
    name: str,
    action: str,
    on: str,
    purpose: str | None,
    to_json: bool,
    policies: Path | None,
    data: Path | None,
) -> None:
    """Tell whether a client may do something now, and why. Names the policies that decide.

    Reads the client and the waybill as the gateway would. Shows no name, phone or address: the policies know
    none. Exit code 0 whether it is allowed or denied.
    """
    context: dict[str, str | int] = {}
    if action in ("reveal.issue", "reveal.claim"):
        if purpose is None:
            raise click.UsageError(f"{action} needs a --purpose")
        context = {"purpose": purpose, "now": int(utc_now().timestamp())}
    with installation(data) as here:
        loaded = read_policies((policies or here.settings.policies) / "access")
        principal, live = _client(here.conn, name)
        resource = _resource(here.conn, action, on)
    found = explain(loaded, principal, action, resource, context)
    reads = {"Waybill": "waybill.read", "Grant": "reveal.read", "BreakGlass": "breakglass.read"}.get(
        resource.type
    )
    visible = reads is None or explain(loaded, principal, reads, resource).decision.allowed
    told = Told(principal, action, resource, found, live, visible)
    if to_json:
        click.echo(json.dumps(as_json(told), indent=2))
    else:
        click.echo("\n".join(as_lines(told)))


def _client(conn: Connection, name: str) -> tuple[Principal, bool]:
    row = identity_store.client_by_name(conn, name)
    if row is None:
        raise ClientError(f"there is no client {name!r}")
    return principal_of(row), row["live"]


def _resource(conn: Connection, action: str, on: str) -> Resource:
    """What a service would ask about: the waybill or the reveal itself, or the ground, fleet or log that an action
    is about, of that waybill's merchant or carrier."""
    with conn.transaction():
        if on.startswith(PREFIX_OF_REVEAL):
            return _grant(conn, on)
        located = locate(conn, on)
        if located is None:
            raise ClientError("there is no such waybill")
        waybill_id, tenant = located
        enter_tenant(conn, tenant.id)
        waybill = get_waybill(conn, tenant.id, waybill_id)
    if action in (
        "fleet.list",
        "courier.register",
        "courier.remove",
        "courier.resume",
        "courier.list",
        "routes.replace",
    ):
        return fleet(waybill.carrier)
    if action.startswith("audit."):
        return access_log(tenant.platform, tenant.merchant)
    if action in ("waybill.create", "waybill.list", "order.read") or action.startswith("token."):
        return tenant_ground(tenant)
    return resource_of(tenant, waybill)


def _grant(conn: Connection, on: str) -> Resource:
    reveal_id = parse_prefixed(PREFIX_OF_REVEAL, on)
    located = None if reveal_id is None else reveal_store.enter_reveal(conn, reveal_id)
    if located is None:
        raise ClientError("there is no such reveal")
    grant = reveal_store.get_grant(conn, located.tenant.id, located.reveal_id, lock="share")
    return resource_of_grant(located.tenant, grant)
