"""The networks that ship."""

from __future__ import annotations

from functools import cache

from vault_gateway.networks.loading import load_networks
from vault_gateway.networks.verdicts import Networks
from vault_gateway.settings.policies import policies_folder


@cache
def networks() -> Networks:
    return load_networks(policies_folder() / "networks")
