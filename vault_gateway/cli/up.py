"""`vault-gateway up`: the gateway with engines of its own, which it starts as a process beside them."""

from __future__ import annotations

from pathlib import Path

import click

from vault_gateway.embedded import up as embedded
from vault_gateway.settings.model import PREFIX


@click.command(epilog="Example: vault-gateway up --data data --port 8080")
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), required=True, help="All data lives here."
)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65535))
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    envvar=f"{PREFIX}WORKERS",
    help="Processes of the gateway; several count rates in a Redis, which is started too. As many as there are cores,"
    " at most 4, where there is a redis-server; else 1.",
)
def up(data: Path, host: str, port: int, workers: int | None) -> None:
    """Start OpenBao, PostgreSQL, Redis and the gateway with all data in one folder.

    Prints one line `ready http://HOST:PORT` when it serves. SIGTERM or Ctrl-C stops everything.
    """
    if not host or not host.isprintable():
        # Empty, as of a variable that is not set, it would mean every address of this machine to the system.
        raise click.UsageError("--host is no name and no address")
    embedded.up(data, host, port, workers=workers or embedded.default_workers(), say=click.echo)
