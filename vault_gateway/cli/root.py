"""`vault-gateway` and what all of its commands share."""

from __future__ import annotations

import sys

import click

from vault_gateway import __version__
from vault_gateway.cli.access import access
from vault_gateway.cli.clients import client
from vault_gateway.cli.couriers import courier
from vault_gateway.cli.demo import demo
from vault_gateway.cli.issuers import issuer
from vault_gateway.cli.masks import masks
from vault_gateway.cli.networks import network
from vault_gateway.cli.notices import notices
from vault_gateway.cli.provisioning import provision
from vault_gateway.cli.relay import relay
from vault_gateway.cli.retention import retention
from vault_gateway.cli.segments import segment
from vault_gateway.cli.servers import migrate, serve, up
from vault_gateway.cli.sip import sip
from vault_gateway.cli.tokenize import tokenize
from vault_gateway.database import MigrationError
from vault_gateway.embedded.errors import EngineError
from vault_gateway.errors import GatewayError, PolicyFileError
from vault_gateway.identity.clients import ClientError
from vault_gateway.networks.granting import GrantError
from vault_gateway.settings.model import SettingsError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__)
def root() -> None:
    """A privacy vault for parcel delivery: tokens instead of names, phones and addresses."""


root.add_command(up)
root.add_command(demo)
root.add_command(serve)
root.add_command(migrate)
root.add_command(provision)
root.add_command(client)
root.add_command(tokenize)
root.add_command(access)
root.add_command(issuer)
root.add_command(relay)
root.add_command(network)
root.add_command(masks)
root.add_command(segment)
root.add_command(notices)
root.add_command(courier)
root.add_command(sip)
root.add_command(retention)


_ANSWERED = (
    EngineError,
    GrantError,
    SettingsError,
    ClientError,
    MigrationError,
    PolicyFileError,
)


def main() -> None:
    """Exit codes: 0 well, 1 failed with one line on stderr, 2 wrong usage."""
    try:
        root(prog_name="vault-gateway")
    except _ANSWERED as error:
        click.echo(f"vault-gateway: {error}", err=True)
        sys.exit(1)
    except GatewayError as error:
        click.echo(f"vault-gateway: {error.detail}", err=True)
        sys.exit(1)
