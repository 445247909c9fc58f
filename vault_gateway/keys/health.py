"""How Vault is, without an identity: for readiness checks."""

from __future__ import annotations

from typing import Literal

from vault_gateway.keys.errors import KeysUnavailable
from vault_gateway.keys.server import Request, Vault

Health = Literal["ok", "sealed", "gone"]


def health_of(vault: Vault) -> Health:
    """`ok`, `sealed` (or not initialised yet), or `gone` (no answer, or a strange one)."""
    try:
        # A standby forwards what it is asked, so it is as good as the active node.
        status, _ = vault.call(Request("GET", "sys/health?standbyok=true&perfstandbyok=true", None), None)
    except KeysUnavailable:
        return "gone"
    if status == 200:
        return "ok"
    return "sealed" if status in (501, 503) else "gone"
