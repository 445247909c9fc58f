"""The command line: one file per command group."""

from vault_gateway.cli.root import main

__all__ = ["main"]
