"""`vault-gateway demo`: an order's whole life, narrated."""

from __future__ import annotations

import contextlib
import io
import logging
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import click

from vault_gateway.client import ClientFailure
from vault_gateway.demo.screen import Screen
from vault_gateway.demo.story import play
from vault_gateway.demo.telling import NotAsTold

_INTERRUPTED = 130


class _Interrupted(Exception):
    """Ctrl-C, or SIGTERM."""


@click.command(epilog="Example: vault-gateway demo")
def demo() -> None:
    """Play an order's whole life on engines in a temporary folder, and check each step.

    Nothing is left behind. Exit 1 with the reason where a step does not go as told.
    """
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.encoding.lower() != "utf-8":
        sys.stdout.reconfigure(encoding="utf-8")
    try:
        with _interruptible(), tempfile.TemporaryDirectory(prefix="vault-gateway-demo-") as folder:
            play(Path(folder), Screen(sys.stdout))
    except NotAsTold as failure:
        click.echo(f"vault-gateway: not as told: {failure}", err=True)
        sys.exit(1)
    except ClientFailure as failure:
        click.echo(f"vault-gateway: the demo's call failed: {failure}", err=True)
        sys.exit(1)
    except _Interrupted:
        sys.exit(_INTERRUPTED)


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """The first signal unwinds everything in order; a second one does not leave half of it."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        # A query that is broken off is what was asked for, and no news.
        logging.getLogger("psycopg").setLevel(logging.CRITICAL)
        raise _Interrupted

    before = {
        number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
