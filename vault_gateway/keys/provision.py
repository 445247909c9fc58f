"""Sets a Vault up for the gateway: engine, policies, identities, shared keys. Done again it changes
nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import orjson
from hvac.api.auth_methods import AppRole
from hvac.api.secrets_engines import Transit
from hvac.api.system_backend import SystemBackend

from vault_gateway.keys.adapter import PooledAdapter
from vault_gateway.keys.errors import KeyFault, opaque
from vault_gateway.keys.identity import Credential, FixedToken
from vault_gateway.keys.names import BLIND_INDEX, CALLER_INDEX, CHECKPOINT, MOUNT
from vault_gateway.keys.server import Vault

POLICY_PREFIX = "vault-gateway-"
_QUOTA = "vault-gateway-blind-index"
# Long before a token ends its process has logged in anew (`identity.py`).
_TOKEN_TTL, _TOKEN_MAX_TTL = "1h", "24h"


@opaque
def provision(
    addr: str,
    admin_token: str,
    *,
    policies: Path,
    kept: Mapping[str, Credential] | None = None,
    ca_file: Path | None = None,
    hmac_calls_per_second: float | None = None,
) -> dict[str, Credential]:
    """Prepare Vault and return a credential for every identity: one per `*.hcl` file, named as it is.

    `policies` is the folder of the HCL files, or the one that has it as `vault/`. A credential in `kept` that
    Vault still knows is returned as it is; the others get a fresh secret (Vault never shows an old one
    again). `hmac_calls_per_second` caps HMAC calls of all clients together, which bounds how fast somebody
    with a stolen dump and tokenizer can guess; size it for the peak, a batch is one call. ValueError without
    any HCL file.
    """
    folder = policies / "vault" if (policies / "vault").is_dir() else policies
    documents = {file.stem: file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.hcl"))}
    if not documents:
        raise ValueError(f"no *.hcl in {folder}")
    with Vault(addr, ca_file=ca_file, operations=1) as vault:
        admin = FixedToken(vault, admin_token)
        adapter = PooledAdapter(admin)
        _engines(SystemBackend(adapter))
        _shared_keys(admin, Transit(adapter))
        for name, document in documents.items():
            SystemBackend(adapter).create_or_update_policy(POLICY_PREFIX + name, document)
        if hmac_calls_per_second is not None:
            _quota(admin, hmac_calls_per_second)
        return {name: _identity(AppRole(adapter), name, (kept or {}).get(name)) for name in documents}


def _engines(system: SystemBackend) -> None:
    if f"{MOUNT}/" not in system.list_mounted_secrets_engines()["data"]:
        system.enable_secrets_engine("transit", path=MOUNT)
    if "approle/" not in system.list_auth_methods()["data"]:
        system.enable_auth_method("approle")


def _shared_keys(admin: FixedToken, transit: Transit) -> None:
    """Vault leaves a key that exists as it is. `hmac` keys can do nothing else; hvac does not know the
    type."""
    body = orjson.dumps({"type": "hmac", "key_size": 32})
    for name in (BLIND_INDEX, CALLER_INDEX):
        admin.ask("POST", f"{MOUNT}/keys/{name}", body)
    transit.create_key(CHECKPOINT, key_type="ed25519")


def _quota(admin: FixedToken, rate: float) -> None:
    body = orjson.dumps({"path": f"{MOUNT}/hmac/{BLIND_INDEX}", "rate": rate})
    admin.ask("POST", f"sys/quotas/rate-limit/{_QUOTA}", body)


def _identity(approle: AppRole, name: str, kept: Credential | None) -> Credential:
    role = POLICY_PREFIX + name
    approle.create_or_update_approle(
        role,
        token_policies=[POLICY_PREFIX + name],
        token_no_default_policy=True,
        token_ttl=_TOKEN_TTL,
        token_max_ttl=_TOKEN_MAX_TTL,
        secret_id_num_uses=0,
    )
    role_id = str(approle.read_role_id(role)["data"]["role_id"])
    if kept is not None and kept.role_id == role_id and _knows(approle, role, kept.secret_id):
        return kept
    return Credential(role_id, str(approle.generate_secret_id(role)["data"]["secret_id"]))


def _knows(approle: AppRole, role: str, secret_id: str) -> bool:
    try:
        return bool(approle.read_secret_id(role, secret_id))
    except KeyFault:
        return False
