"""How `provision` reaches a Vault."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from environs import EnvError, FileAwareEnv

from vault_gateway.settings.environment import drop_empty, needed
from vault_gateway.settings.model import PREFIX, SettingsError, require_safe_vault
from vault_gateway.settings.policies import default_policies


@dataclass(frozen=True)
class VaultAdmin:
    """How `provision` reaches a Vault: as somebody who may set up engines, policies and identities."""

    addr: str
    token: str = field(repr=False)
    ca: Path | None
    policies: Path


def vault_admin_from_environment() -> VaultAdmin:
    """`VAULT_GATEWAY_VAULT_ADDR`, `_VAULT_CA`, `_POLICIES`, and `_VAULT_ADMIN_TOKEN` or `_VAULT_ADMIN_TOKEN_FILE`."""
    drop_empty()
    env = FileAwareEnv(prefix=PREFIX, strip_whitespace=True)
    try:
        admin = VaultAdmin(
            needed("VAULT_ADDR", env.str("VAULT_ADDR", None)),
            needed("VAULT_ADMIN_TOKEN", env.str("VAULT_ADMIN_TOKEN", None)),
            env.path("VAULT_CA", None),
            env.path("POLICIES", default_policies()),
        )
    except (EnvError, ValueError) as error:
        raise SettingsError(f"settings: {error}") from None
    require_safe_vault(admin.addr)
    return admin
