"""`vault-gateway provision`: a Vault or OpenBao of one's own, made ready."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

import click

from vault_gateway.keys import Credential, KeyFault, KeysUnavailable
from vault_gateway.keys import provision as provision_vault
from vault_gateway.settings.model import SettingsError
from vault_gateway.settings.vault_admin import VaultAdmin, vault_admin_from_environment


@click.command(
    "provision",
    epilog="Example: VAULT_GATEWAY_VAULT_ADDR=https://vault:8200 VAULT_GATEWAY_VAULT_ADMIN_TOKEN_FILE=token"
    " vault-gateway provision --out credentials.toml",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The TOML file of role ids and secret ids, for `serve --config`. Only its owner may read it.",
)
@click.option("--identity", "only", multiple=True, help="Write this identity alone; may be repeated.")
@click.option(
    "--hmac-calls-per-second",
    type=click.FloatRange(min=0, min_open=True),
    help="Let Vault refuse more HMAC calls than this, which bounds guessing with a stolen dump.",
)
def provision(out: Path, only: tuple[str, ...], hmac_calls_per_second: float | None) -> None:
    """Set up transit keys, policies and identities in the Vault of VAULT_GATEWAY_VAULT_ADDR.

    The administrator's token comes from VAULT_GATEWAY_VAULT_ADMIN_TOKEN or _VAULT_ADMIN_TOKEN_FILE and is kept
    nowhere. Run again it changes nothing, and secret ids in --out that still hold stay.
    """
    admin = vault_admin_from_environment()
    credentials = _provisioned(admin, _kept(out), hmac_calls_per_second)
    if unknown := set(only) - set(credentials):
        raise SettingsError(f"there is no identity {min(unknown)}: {', '.join(sorted(credentials))}")
    written = {name: c for name, c in credentials.items() if not only or name in only}
    _write(out, written)
    click.echo(f"wrote {', '.join(sorted(written))} to {out}", err=True)


def _provisioned(
    admin: VaultAdmin, kept: Mapping[str, Credential], hmac_calls_per_second: float | None
) -> Mapping[str, Credential]:
    try:
        return provision_vault(
            admin.addr,
            admin.token,
            policies=admin.policies,
            kept=kept,
            ca_file=admin.ca,
            hmac_calls_per_second=hmac_calls_per_second,
        )
    except KeysUnavailable as failure:
        raise SettingsError(f"Vault cannot be provisioned now ({failure.reason})") from None
    except (KeyFault, ValueError):
        raise SettingsError("Vault refuses to be provisioned: is this token an administrator's?") from None


def _kept(out: Path) -> dict[str, Credential]:
    try:
        table = tomllib.loads(out.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{out}: {error}") from None
    names = [name.removesuffix("_role_id") for name in table if name.endswith("_role_id")]
    return {
        name: Credential(str(table[f"{name}_role_id"]), str(table[f"{name}_secret_id"]))
        for name in names
        if f"{name}_secret_id" in table
    }


def _write(out: Path, credentials: Mapping[str, Credential]) -> None:
    lines = [
        # A JSON string of such ids is a TOML string.
        f"{name}_{half} = {json.dumps(value)}\n"
        for name, c in sorted(credentials.items())
        for half, value in (("role_id", c.role_id), ("secret_id", c.secret_id))
    ]
    new = out.with_name(f"{out.name}.new")
    try:
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.writelines(lines)
        new.replace(out)
    except OSError as error:
        raise SettingsError(f"cannot write {out}: {error.strerror}") from None
