"""Where an issuer's keys come from: a file on this machine or an address."""

from __future__ import annotations

import stat
from pathlib import Path

from vault_gateway.identity.fetch import MAX_BYTES, JwksError, fetch, is_url
from vault_gateway.identity.jwks import KeySet, parse_jwks
from vault_gateway.outside.calling import Outside, outside
from vault_gateway.settings.model import Settings


def outside_of(settings: Settings) -> Outside:
    return outside(settings.jwks_internal_hosts, settings.jwks_ca)


def load_keys(source: str, outside: Outside) -> KeySet:
    """The keys of a source; JwksError when it cannot be read or has none that may be used."""
    keys = parse_jwks(fetch(source, outside) if is_url(source) else _read(Path(source)))
    if not keys.keys:
        raise JwksError("; ".join(["there is no key that may be used", *keys.skipped]))
    return keys


def _read(path: Path) -> bytes:
    """A regular file only: a pipe would hold the reader up for ever."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise JwksError("the keys are not in a regular file")
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError:
        raise JwksError("the file of the keys cannot be read") from None
    if len(raw) > MAX_BYTES:
        raise JwksError(f"the file is larger than {MAX_BYTES // 1024} KiB")
    return raw
