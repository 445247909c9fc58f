"""How Vault is, without an identity: for readiness checks."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from vault_gateway.keys.errors import KeysUnavailable
from vault_gateway.keys.server import Request, Vault

Health = Literal["ok", "sealed", "gone"]


def vault_health(addr: str, *, ca_file: Path | None = None, timeout_s: float = 1.0) -> Health:
    """`ok`, `sealed` (or not initialised yet), or `gone` (no answer within `timeout_s`, or a strange one)."""
    with Vault(
        addr, ca_file=ca_file, operations=1, connect_s=timeout_s, read_s=timeout_s, total_s=timeout_s
    ) as vault:
        return health_of(vault)


def health_of(vault: Vault) -> Health:
    """The same over a pool that is open already."""
    try:
        # A standby forwards what it is asked, so it is as good as the active node.
        status, _ = vault.call(Request("GET", "sys/health?standbyok=true&perfstandbyok=true", None), None)
    except KeysUnavailable:
        return "gone"
    if status == 200:
        return "ok"
    return "sealed" if status in (501, 503) else "gone"
