"""Where the policies are."""

from __future__ import annotations

import os
from pathlib import Path

from vault_gateway.settings.model import PREFIX


def default_policies() -> Path:
    """The shipped `policies/` folder: beside the package in a checkout, inside it when installed."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "policies"
    return inside if inside.is_dir() else package.parent / "policies"


def policies_folder() -> Path:
    """The folder that `VAULT_GATEWAY_POLICIES` names, or the shipped one: also for an embedded instance, which
    makes all of its other settings itself."""
    named = os.environ.get(f"{PREFIX}POLICIES")
    return Path(named) if named else default_policies()
