"""Keys are made, rotated, rewrapped and trimmed."""

from __future__ import annotations

import time
from uuid import UUID, uuid4

import pytest

from benchmarks.sealing import sealed
from tests.functional.keys.bao_server import BaoServer
from vault_gateway.keys import (
    Address,
    Ciphertext,
    KeyFault,
    Operator,
    Revealer,
    Tokenizer,
    Vault,
    Versions,
    health_of,
)
from vault_gateway.model import Kind


def closed(tokenizer: Tokenizer, platform: str, home: Address, value: bytes) -> Ciphertext:
    [answer] = sealed(tokenizer, platform, [(home, value)])
    assert isinstance(answer, Ciphertext)
    return answer


def test_a_platform_is_made_once(operator: Operator, platform: str) -> None:
    operator.rotate(platform, Kind.PHONE)
    operator.create_platform(platform)
    assert operator.versions(platform) == {
        Kind.PHONE: Versions(1, 1, 2),
        Kind.ADDRESS: Versions(1, 1, 1),
        Kind.NAME: Versions(1, 1, 1),
    }
    assert platform in operator.platforms()


def test_keys_are_derived_and_stay_inside(bao: BaoServer, platform: str) -> None:
    for kind in Kind:
        _, answer = bao.request("GET", f"transit/keys/{kind}-{platform}")
        key = answer["data"]
        assert (key["type"], key["derived"], key["convergent_encryption"]) == ("aes256-gcm96", True, False)
        assert not key["exportable"]
        assert not key["allow_plaintext_backup"]
        assert not key["deletion_allowed"]


def test_a_key_without_derivation_is_not_accepted(bao: BaoServer, operator: Operator) -> None:
    bao.request("POST", "transit/keys/phone-weak", {"type": "aes256-gcm96"})
    with pytest.raises(KeyFault):
        operator.create_platform("weak")
    assert "weak" not in operator.platforms()


def test_after_a_rotation_old_values_open_and_new_ones_get_the_new_version(
    tokenizer: Tokenizer, revealer: Revealer, operator: Operator, platform: str, home: Address
) -> None:
    old = closed(tokenizer, platform, home, b"old")
    assert operator.rotate(platform, Kind.PHONE) == 2
    new = closed(tokenizer, platform, home, b"new")
    assert (old.key_version, new.key_version) == (1, 2)
    assert revealer.decrypt(platform, [(home, old), (home, new)]) == [b"old", b"new"]


def test_rewrap_moves_values_to_the_latest_version_and_not_elsewhere(
    tokenizer: Tokenizer, revealer: Revealer, operator: Operator, platform: str, tenant_id: UUID
) -> None:
    homes = [Address(tenant_id, kind, uuid4()) for kind in Kind for _ in range(60)]
    old = [(home, closed(tokenizer, platform, home, home.token.bytes)) for home in homes[::20]]
    for kind in Kind:
        operator.rotate(platform, kind)
    bad = (old[0][0], Ciphertext(1, b"\0" * 44))
    *rewrapped, fault = operator.rewrap(platform, [*old, bad])
    assert isinstance(fault, KeyFault)
    moved = [item for item in rewrapped if isinstance(item, Ciphertext)]
    assert [item.key_version for item in moved] == [2] * len(old)
    stored = [(home, item) for (home, _), item in zip(old, moved, strict=True)]
    assert revealer.decrypt(platform, stored) == [home.token.bytes for home, _ in old]


def test_what_was_trimmed_opens_for_nobody(
    bao: BaoServer,
    tokenizer: Tokenizer,
    revealer: Revealer,
    operator: Operator,
    platform: str,
    home: Address,
) -> None:
    old = closed(tokenizer, platform, home, b"expired")
    operator.rotate(platform, Kind.PHONE)
    new = closed(tokenizer, platform, home, b"kept")
    operator.trim(platform, Kind.PHONE, 2)
    opened = revealer.decrypt(platform, [(home, old), (home, new)])
    assert isinstance(opened[0], KeyFault)
    assert opened[1] == b"kept"
    assert operator.versions(platform)[Kind.PHONE] == Versions(2, 2, 2)
    # Not even the administrator brings it back.
    status, _ = bao.request("POST", f"transit/keys/phone-{platform}/config", {"min_decryption_version": 1})
    assert status == 400
    operator.trim(platform, Kind.PHONE, 2)


def test_a_version_that_does_not_exist_is_a_fault(operator: Operator, platform: str) -> None:
    with pytest.raises(KeyFault):
        operator.trim(platform, Kind.PHONE, 5)
    assert operator.versions(platform)[Kind.PHONE] == Versions(1, 1, 1)
    with pytest.raises(KeyFault):
        operator.rotate(f"{platform}x", Kind.PHONE)


def test_health_is_quick(vault: Vault) -> None:
    started = time.monotonic()
    assert health_of(vault) == "ok"
    assert time.monotonic() - started < 1
