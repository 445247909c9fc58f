"""`vault-gateway sip`: the relay's SIP side."""

from __future__ import annotations

import sys
from ipaddress import ip_address
from pathlib import Path
from typing import NoReturn

import click

from vault_gateway.cli.key_file import read_key
from vault_gateway.logs import configure_logging


class AddressParam(click.ParamType[tuple[str, int]]):
    """`192.0.2.1:5060` or `[2001:db8::1]:5060`, as sippy takes it: an IPv6 address keeps its brackets."""

    name = "ip:port"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        host, _, port = str(value).rpartition(":")
        if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
            self.fail("an IP address and a port, as in 192.0.2.1:5060", param, ctx)
        return _host(host, self, param, ctx), int(port)


class HostParam(click.ParamType[str]):
    name = "ip"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return _host(str(value), self, param, ctx)


class MediaParam(HostParam):
    """IPv4 alone: RTPProxy would need one address of each kind to translate."""

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        host = super().convert(value, param, ctx)
        if host.startswith("["):
            self.fail("an IPv4 address, as in 192.0.2.1", param, ctx)
        return host


def _host(
    text: str, kind: click.ParamType[object], param: click.Parameter | None, ctx: click.Context | None
) -> str:
    try:
        address = ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        kind.fail("an IP address, as in 192.0.2.1", param, ctx)
    if address.is_unspecified:
        kind.fail("the one address by which the other side knows it, not all of them", param, ctx)
    return f"[{address}]" if address.version == 6 else str(address)


@click.command(
    epilog="Example: vault-gateway sip --listen 192.0.2.10:5060 --trunk 192.0.2.1:5060"
    " --url https://vault.example --key-file telecom.key"
)
@click.option("--listen", type=AddressParam(), required=True, help="Where the trunk's calls come in, by UDP.")
@click.option("--trunk", type=AddressParam(), required=True, help="Where calls go out.")
@click.option(
    "--from",
    "also_from",
    type=HostParam(),
    multiple=True,
    help="A further address that the trunk sends from.",
)
@click.option("--url", default="http://127.0.0.1:8080", show_default=True, help="The gateway.")
@click.option(
    "--key-file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Holds the API key of the telecom that owns the numbers. Without it VAULT_GATEWAY_KEY.",
)
@click.option(
    "--ca-file", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="Whom to trust."
)
@click.option(
    "--max-seconds", default=3600, show_default=True, type=click.IntRange(1), help="No call lasts longer."
)
@click.option(
    "--media",
    type=MediaParam(),
    help="An address of this machine that all sound goes through. Without it the two sides send to each other.",
)
@click.option(
    "--dial-extensions",
    is_flag=True,
    help="The trunk dials the ;ext= of RFC 3966 behind a number. Without it calls to a virtual number are refused.",
)
def sip(
    listen: tuple[str, int],
    trunk: tuple[str, int],
    also_from: tuple[str, ...],
    url: str,
    key_file: Path | None,
    ca_file: Path | None,
    max_seconds: int,
    media: str | None,
    dial_extensions: bool,
) -> None:
    """Take a trunk's calls to relay numbers and connect them, showing neither side to the other.

    A back-to-back user agent, for which the gateway decides each call. Prints one line `ready sip:HOST:PORT` when
    it takes calls. SIGTERM or Ctrl-C hangs up and ends it.
    """
    key = read_key(key_file)
    try:
        from vault_gateway.sip.agent import Agent, without_prints
        from vault_gateway.sip.gateway import Gateway
        from vault_gateway.sip.line import Line
        from vault_gateway.sip.media import MediaRelay
    except ModuleNotFoundError as missing:
        if missing.name != "sippy":
            raise
        _fail("this needs the extra: pip install 'vault-gateway[sip]'")
    try:
        gateway = Gateway(url, key, ca_file)
    except ValueError as refusal:
        raise click.UsageError(f"--url or --ca-file: {refusal}") from None
    line = Line(gateway, trunk, frozenset([trunk[0], *also_from]), max_seconds, dial_extensions)
    try:
        agent = Agent(line, listen)
    except OSError as error:
        _fail(f"cannot listen there: {error.strerror}")
    if media is not None:
        try:
            line.media = MediaRelay(line.config, media)
        except OSError as error:
            _fail(f"sound cannot go through {media}: {error.strerror}")
        except ModuleNotFoundError:
            _fail("--media needs the package rtp.io, which there is for Linux")
    click.echo(f"ready sip:{listen[0]}:{listen[1]}")
    without_prints(lambda file: configure_logging(as_json=True, file=file))
    agent.run()
    if line.media is not None:
        line.media.close()


def _fail(message: str) -> NoReturn:
    click.echo(f"vault-gateway: {message}", err=True)
    sys.exit(1)
