"""`vault-gateway access`: what the policies decide, and why."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

from vault_gateway.access.cases import CASES_FILE, failures, read_cases
from vault_gateway.access.explain import explain
from vault_gateway.access.policies import read_policies
from vault_gateway.cli.asked import what_is_asked
from vault_gateway.cli.asking import claims_of, who_asks
from vault_gateway.cli.explained import Told, as_json, as_lines
from vault_gateway.cli.installation import data_option, installation
from vault_gateway.cli.policies_option import policies_option
from vault_gateway.model import utc_now
from vault_gateway.settings.policies import policies_folder


@click.group()
def access() -> None:
    """Run the cases of the access policies, and ask them for their reasons."""


@access.command("test", epilog="Example: vault-gateway access test --policies policies")
@click.option("--json", "to_json", is_flag=True, help="Print JSON.")
@policies_option("access/")
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
@click.option(
    "--as", "name", required=True, help="The client's name, or jwt:ISSUER_ID:SUB as the access log writes it."
)
@click.option(
    "--claim",
    "claims",
    multiple=True,
    help="For a jwt: what its token says, where its issuer is not bound to it: role=courier, station=north.",
)
@click.option("--action", required=True, help="An action of schema.cedarschema, for instance reveal.issue.")
@click.option(
    "--on",
    required=True,
    help="What it is done to: a waybill number; for other things a reveal's, token's, notice's or request's id,"
    " PLATFORM/MERCHANT, a platform, a carrier, CARRIER/STATION, a relay number, all, new or pool.",
)
@click.option("--purpose", help="For reveal.issue and reveal.claim: deliver, contact or sort.")
@click.option("--json", "to_json", is_flag=True, help="Print JSON.")
@policies_option("access/")
@data_option
def explain_(
    name: str,
    claims: tuple[str, ...],
    action: str,
    on: str,
    purpose: str | None,
    to_json: bool,
    policies: Path | None,
    data: Path | None,
) -> None:
    """Tell whether a client may do something now, and why. Names the policies that decide.

    Reads the client and what it asks for as the gateway would. Shows no name, phone or address: the policies know
    none. Exit code 0 whether it is allowed or denied, 1 where there is no such client or thing, 2 where the question
    cannot be put.
    """
    said = claims_of(claims)
    context: dict[str, str | int] = {}
    if action in ("reveal.issue", "reveal.claim"):
        if purpose is None:
            raise click.UsageError(f"{action} needs a --purpose")
        context = {"purpose": purpose, "now": int(utc_now().timestamp())}
    with installation(data) as here:
        loaded = read_policies((policies or here.settings.policies) / "access")
        principal, live = who_asks(here.conn, name, said)
        resource = what_is_asked(here.conn, principal, action, on)
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
