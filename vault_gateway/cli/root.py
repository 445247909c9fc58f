"""`vault-gateway` and what all of its commands share."""

from __future__ import annotations

import gc
import io
import sys
from importlib import import_module

import click

from vault_gateway import __version__
from vault_gateway.errors import GatewayError, OperatingError

# The module that each is in, and its line in the help.
COMMANDS = {
    "demo": ("demo", "Play an order's whole life on engines in a temporary folder."),
    "up": ("up", "Run gateway, OpenBao and PostgreSQL, all data in one folder."),
    "serve": ("servers", "Serve in production, on your own engines."),
    "migrate": ("servers", "Bring the database's schema up to date."),
    "provision": ("provisioning", "Set up keys, policies and identities in Vault."),
    "client": ("clients", "Add, list and revoke the clients of the gateway."),
    "issuer": ("issuers", "Trust identity providers for JWTs in place of API keys."),
    "access": ("access", "Test the access policies, and ask for their reasons."),
    "masks": ("masks", "Check what of a name, a phone or an address may be seen."),
    "network": ("networks", "Waybill networks: carriers, numbers, where they are accepted."),
    "segment": ("segments", "Ranges of waybill numbers, each granted to one merchant."),
    "relay": ("relay", "Numbers that people call instead of each other's."),
    "sip": ("sip", "Take a trunk's calls to relay numbers and connect them."),
    "notices": ("notices", "Messages to recipients that nobody took."),
    "courier": ("couriers", "Couriers of all carriers, suspended ones too."),
    "retention": ("retention", "Remove records that are past their time."),
    "tokenize": ("tokenize", "Replace names, phones and addresses in a CSV file by tokens."),
}


class _Root(click.Group):
    """Reads a command's module when the command is asked for: help and version are there at once."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _ = COMMANDS[cmd_name]
        command = getattr(import_module(f"vault_gateway.cli.{module}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=_Root, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__)
def root() -> None:
    """A privacy vault for parcel delivery: tokens instead of names, phones and addresses."""


def main() -> None:
    """Exit codes: 0 well, 1 failed with one line on stderr, 2 wrong usage."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        # Where the terminal's character set lacks a sign, its number stands: no reason to end a command.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        root(prog_name="vault-gateway")
    except (OperatingError, GatewayError) as error:
        told = error.detail if isinstance(error, GatewayError) else str(error)
        click.echo(f"vault-gateway: {told}", err=True)
        sys.exit(1)
    except UnicodeError:
        # An argument of any bytes, or a file that is no text; the error would quote them.
        click.echo("vault-gateway: an argument or a file is not text in UTF-8", err=True)
        sys.exit(1)
    finally:
        # Python would look through all that there is for cycles, a quarter of a short command's time, before the
        # system takes it back as a whole.
        gc.freeze()
