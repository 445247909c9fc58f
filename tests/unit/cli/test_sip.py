"""Addresses that `vault-gateway sip` cannot use are refused as a mistake in its use."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from vault_gateway.cli.sip import sip


@pytest.mark.parametrize("media", ["::1", "relay", "0.0.0.0", "127.0.0.1:5060"])
def test_sound_goes_through_one_ipv4_address(media: str) -> None:
    given = ["--listen", "127.0.0.1:5060", "--trunk", "127.0.0.1:5061", "--media", media]
    ran = CliRunner().invoke(sip, given)
    assert ran.exit_code == 2
    assert "--media" in ran.output
