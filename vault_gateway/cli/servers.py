"""`serve` and `migrate`: the gateway on your own engines."""

from __future__ import annotations

import os
from pathlib import Path

import click
import psycopg
from psycopg.conninfo import conninfo_to_dict

from vault_gateway import metrics_folder, schema
from vault_gateway.embedded import up as embedded
from vault_gateway.model import utc_now
from vault_gateway.settings.environment import from_environment
from vault_gateway.settings.model import PREFIX, Settings, SettingsError


@click.command(epilog="Example: VAULT_GATEWAY_DATABASE_URL=... vault-gateway serve")
@click.option(
    "--config", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="A TOML file of settings."
)
@click.option(
    "--duties",
    help="What this node does: some of tokenize,reveal,relay,audit,console. All, where none is named.",
)
@click.option("--environment", type=click.Path(path_type=Path, dir_okay=False, exists=True), hidden=True)
def serve(config: Path | None, duties: str | None, environment: Path | None) -> None:
    """Serve in production: gunicorn, with settings from VAULT_GATEWAY_* or a TOML file."""
    if environment is not None:
        embedded.read_environment(environment)
    if duties is not None:
        os.environ[f"{PREFIX}DUTIES"] = duties
    settings = from_environment(config)
    if settings.workers > 1:
        metrics_folder.prepare()
    # Not before: it imports the metrics.
    from vault_gateway import serve as server

    server.serve(settings)


@click.command(epilog="Example: VAULT_GATEWAY_ADMIN_DATABASE_URL=... vault-gateway migrate --login")
@click.option(
    "--login",
    is_flag=True,
    help="Also make the user of VAULT_GATEWAY_DATABASE_URL, with its password, the node's own: with the role of"
    " each of its VAULT_GATEWAY_DUTIES and no others. And that of VAULT_GATEWAY_OPERATOR_DATABASE_URL, where it is set,"
    " the one of commands.",
)
def migrate(login: bool) -> None:
    """Bring the database's schema up to date, as a role that may create tables and roles."""
    settings = from_environment()
    if settings.admin_database_url is None:
        raise SettingsError("VAULT_GATEWAY_ADMIN_DATABASE_URL is not set: migrations need the schema's owner")
    own, operator = _logins(settings) if login else (None, None)
    try:
        applied = schema.migrate(
            settings.admin_database_url,
            utc_now(),
            app_login=own,
            roles=schema.roles_of(settings.duties),
            operator_login=operator,
        )
    except psycopg.OperationalError as error:
        # Before there is a session the text is of addresses and names alone.
        raise SettingsError(f"the database cannot be used: {' '.join(str(error).split())}") from None
    for name in applied:
        click.echo(f"applied {name}")


def _logins(settings: Settings) -> tuple[tuple[str, str], tuple[str, str] | None]:
    """Users and passwords: the node's, and that of commands where they have one."""
    own = _login("DATABASE_URL", settings.database_url)
    if settings.operator_database_url is None:
        return own, None
    operator = _login("OPERATOR_DATABASE_URL", settings.operator_database_url)
    if operator[0] == own[0]:
        raise SettingsError(
            "VAULT_GATEWAY_OPERATOR_DATABASE_URL needs a user of its own: nodes have that of DATABASE_URL"
        )
    return own, operator


def _login(setting: str, conninfo: str) -> tuple[str, str]:
    named = conninfo_to_dict(conninfo)
    if not named.get("user") or not named.get("password"):
        raise SettingsError(f"VAULT_GATEWAY_{setting} needs a user and a password for --login")
    return str(named["user"]), str(named["password"])
