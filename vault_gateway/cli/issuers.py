"""`vault-gateway issuer`: whose JWTs are trusted."""

from __future__ import annotations

import json
from pathlib import Path

import click

from vault_gateway.cli.installation import data_option, installation, operating, told
from vault_gateway.cli.printing import json_text, minute
from vault_gateway.identity import issuer_store, issuers
from vault_gateway.identity.sources import outside_of
from vault_gateway.model import Role, utc_now
from vault_gateway.settings.environment import with_outside_of_environment


@click.group()
def issuer() -> None:
    """Trust identity providers whose JWTs may be used in place of API keys."""


@issuer.command(
    "add",
    epilog="Example: vault-gateway issuer add https://id.sf.example --jwks https://id.sf.example/jwks.json"
    " --role courier --role station --carrier sf --data data",
)
@click.argument("iss")
@click.option("--jwks", required=True, help="The issuer's key set: a file, or an https address.")
@click.option(
    "--role",
    "roles",
    type=click.Choice([role.value for role in Role]),
    required=True,
    multiple=True,
    help="A role that it may give; more than one by giving it again.",
)
@click.option("--carrier", help="The express company whose people it may name.")
@click.option("--platform", help="The marketplace whose people it may name.")
@click.option("--merchant", help="The one merchant of that platform whose people it may name.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@data_option
def add(
    iss: str,
    jwks: str,
    roles: tuple[str, ...],
    carrier: str | None,
    platform: str | None,
    merchant: str | None,
    as_json: bool,
    data: Path | None,
) -> None:
    """Trust the JWTs whose `iss` is exactly ISS. Prints the id by which the access log names it.

    Tokens need `exp` and `aud` "vault-gateway". Every node of the gateway reads a file of keys by this path, and
    again when it changes. Where it may name couriers, the API keys of that carrier's couriers end.
    """
    new = issuers.NewIssuer(iss, jwks, frozenset(Role(role) for role in roles), platform, merchant, carrier)
    issuers.check(new)

    def say(line: str) -> None:
        click.echo(line, err=True)

    with installation(data) as here:
        source = issuers.settled_source(jwks, outside_of(with_outside_of_environment(here.settings)), say)
        new = issuers.NewIssuer(iss, source, new.roles, platform, merchant, carrier)
        with operating(here, platform=platform, merchant=merchant) as unit:
            issuer_id = issuers.add(
                here.conn, new, utc_now(), create_keys=here.operator.create_platform, say=say
            )
            given = ",".join(sorted(new.roles))
            unit.record(told("issuer.add", f"issuer:{issuer_id}", carrier=carrier, iss=iss, roles=given))
    click.echo(json.dumps({"id": issuer_id, "iss": iss, "jwks": source}) if as_json else issuer_id)


@issuer.command("list", epilog="Example: vault-gateway issuer list --data data --json")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@data_option
def list_(as_json: bool, data: Path | None) -> None:
    """List all issuers, revoked ones too."""
    with installation(data) as here:
        rows = issuer_store.list_issuers(here.conn)
    if as_json:
        click.echo(json_text(rows))
        return
    for row in rows:
        names = [f"{n}={row[n]}" for n in ("platform", "merchant", "carrier") if row[n] is not None]
        state = "trusted" if row["revoked_at"] is None else f"revoked {minute(row['revoked_at'])}"
        added = minute(row["created_at"])
        roles = ",".join(row["roles"])
        click.echo(f"{row['id']} added {added} {state} {row['iss']} {roles} {' '.join(names)}".rstrip())


@issuer.command("revoke", epilog="Example: vault-gateway issuer revoke https://id.sf.example --data data")
@click.argument("iss")
@data_option
def revoke(iss: str, data: Path | None) -> None:
    """Trust no JWT of ISS any more. It holds everywhere within 5 seconds."""
    with installation(data) as here:
        row = issuer_store.trusted_issuer(here.conn, iss)
        whose = {} if row is None else {"platform": row["platform"], "merchant": row["merchant"]}
        with operating(here, **whose) as unit:
            issuers.revoke(here.conn, iss, utc_now())
            issuer_id, carrier = (None, None) if row is None else (row["id"], row["carrier"])
            unit.record(told("issuer.revoke", f"issuer:{issuer_id}", carrier=carrier, iss=iss))
    click.echo(f"revoked {iss}", err=True)


@issuer.command(
    "revoke-token",
    epilog="Example: vault-gateway issuer revoke-token 8f14e45f --issuer https://id.sf.example --data data",
)
@click.argument("jti")
@click.option("--issuer", "iss", required=True, help="The `iss` of the token.")
@data_option
def revoke_token(jti: str, iss: str, data: Path | None) -> None:
    """Revoke the tokens of one issuer whose `jti` is JTI. It holds everywhere within 5 seconds."""
    with installation(data) as here, operating(here) as unit:
        issuers.revoke_token(here.conn, iss, jti, utc_now())
        unit.record(told("issuer.revoke_token", f"jti:{jti}", iss=iss))
    click.echo(f"revoked {jti}", err=True)
