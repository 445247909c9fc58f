"""The API key that a command sends to a gateway."""

from __future__ import annotations

import os
import re
from pathlib import Path

import click

_ONE_WORD = re.compile(r"[!-~]+")


def read_key(key_file: Path | None) -> str:
    """From the file, or from VAULT_GATEWAY_KEY where none is named."""
    if key_file is None:
        key = os.environ.get("VAULT_GATEWAY_KEY", "").strip()
    else:
        key = key_file.read_text(encoding="utf-8", errors="replace").strip()
    if not key:
        raise click.UsageError("give the API key by --key-file or in VAULT_GATEWAY_KEY")
    if not _ONE_WORD.fullmatch(key):
        raise click.UsageError("what --key-file or VAULT_GATEWAY_KEY holds is no API key: that is one word")
    return key
