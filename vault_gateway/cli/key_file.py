"""The API key that a command sends to a gateway."""

from __future__ import annotations

import os
from pathlib import Path

import click


def read_key(key_file: Path | None) -> str:
    """From the file, or from VAULT_GATEWAY_KEY where none is named."""
    key = (
        os.environ.get("VAULT_GATEWAY_KEY", "") if key_file is None else key_file.read_text(encoding="utf-8")
    )
    if not key.strip():
        raise click.UsageError("give the API key by --key-file or in VAULT_GATEWAY_KEY")
    return key.strip()
