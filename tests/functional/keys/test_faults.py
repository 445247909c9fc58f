"""Vault fails in every way we know. It has to be quick, retryable, and silent about values."""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from benchmarks.sealing import sealed
from tests.functional.keys.bao_server import VAULT_BINARY, start_bao
from tests.functional.keys.conftest import POLICIES
from tests.functional.keys.faulty_proxy import FaultyProxy
from vault_gateway.keys import (
    Address,
    Credential,
    KeysUnavailable,
    Revealer,
    Tokenizer,
    Vault,
    health_of,
    provision,
)
from vault_gateway.model import Kind, Origin

CANARY = b"canary-13912345678"
ROOM = str(Path(POLICIES).parent / "vault_gateway" / "keys")
FAULTS = {
    "500": "failed",
    "502": "failed",
    "503": "sealed",
    "429": "overloaded",
    "403": "refused",
    "400": "refused",
    "404": "refused",
    "redirect": "failed",
    "cut": "gone",
    "hang": "slow",
    "trickle": "slow",
    "garbage": "garbled",
    "short": "garbled",
    "odd items": "garbled",
}


def assert_silent(error: BaseException) -> None:
    """Neither the canary nor its base64 is anywhere in the error; the room's own frames hold no trace of
    it."""
    assert error.__cause__ is None
    assert error.__context__ is None
    text = "".join(traceback.format_exception(error)) + str(error) + repr(error) + repr(error.args)
    frame = error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename.startswith(ROOM):
            text += repr(frame.tb_frame.f_locals)
        frame = frame.tb_next
    for trace in ("canary", "Y2FuYXJ5", "13912345678"):
        assert trace not in text


@pytest.mark.parametrize(("fault", "reason"), FAULTS.items())
def test_a_fault_in_the_middle_of_the_batches_says_nothing(
    proxy: FaultyProxy,
    credentials: Mapping[str, Credential],
    tokenizer: Tokenizer,
    platform: str,
    tenant_id: UUID,
    fault: str,
    reason: str,
) -> None:
    items = [(Address(tenant_id, Kind.PHONE, uuid4()), CANARY) for _ in range(30)]
    stored = [
        (address, answer)
        for (address, _), answer in zip(items, sealed(tokenizer, platform, items), strict=True)
    ]
    with Vault(proxy.addr, batch_items=10, connect_s=0.5, read_s=0.5, total_s=1.2) as vault:
        writer, reader = Tokenizer(vault, credentials["tokenizer"]), Revealer(vault, credentials["revealer"])
        proxy.break_after(1, fault)
        with pytest.raises(KeysUnavailable) as caught:
            sealed(writer, platform, items)
        assert caught.value.reason == reason
        assert_silent(caught.value)

        proxy.break_after(1, fault)
        with pytest.raises(KeysUnavailable) as caught:
            reader.decrypt(platform, stored)
        assert caught.value.reason == reason
        assert_silent(caught.value)

        # It passes once Vault is well again, on the same client.
        proxy.fault = "none"
        assert reader.decrypt(platform, stored) == [CANARY] * 30


@pytest.mark.parametrize("fault", ["500", "garbage", "short", "cut"])
def test_blind_indexes_fail_as_silently(
    proxy: FaultyProxy, credentials: Mapping[str, Credential], tenant_id: UUID, fault: str
) -> None:
    with Vault(proxy.addr) as vault:
        tokenizer = Tokenizer(vault, credentials["tokenizer"])
        proxy.break_after(0, fault)
        with pytest.raises(KeysUnavailable) as caught:
            tokenizer.blind_indexes(tenant_id, Origin.PLATFORM, [(Kind.PHONE, CANARY)])
        assert_silent(caught.value)


def test_a_batch_beyond_the_servers_limit_is_refused_whole_and_silently(
    vault: Vault, credentials: Mapping[str, Credential], platform: str, tenant_id: UUID
) -> None:
    with Vault(vault.addr, batch_items=600) as greedy:
        items = [(Address(tenant_id, Kind.NAME, uuid4()), CANARY) for _ in range(600)]
        if VAULT_BINARY:
            # Its limits are far above OpenBao's.
            assert len(sealed(Tokenizer(greedy, credentials["tokenizer"]), platform, items)) == 600
            return
        with pytest.raises(KeysUnavailable, match="refused") as caught:
            sealed(Tokenizer(greedy, credentials["tokenizer"]), platform, items)
        assert_silent(caught.value)


def test_the_default_batch_is_within_the_servers_default_limit(
    vault: Vault, credentials: Mapping[str, Credential], platform: str, tenant_id: UUID
) -> None:
    with Vault(vault.addr) as by_default:
        tokenizer = Tokenizer(by_default, credentials["tokenizer"])
        items = [(Address(tenant_id, Kind.NAME, uuid4()), b"x") for _ in range(700)]
        assert len(sealed(tokenizer, platform, items)) == 700
        values = [(Kind.NAME, str(n).encode()) for n in range(1100)]
        assert len(set(tokenizer.blind_indexes(tenant_id, Origin.PLATFORM, values))) == 1100


def test_a_hanging_vault_holds_no_operation_beyond_its_bound(
    proxy: FaultyProxy, credentials: Mapping[str, Credential]
) -> None:
    with Vault(proxy.addr, operations=2, connect_s=0.2, read_s=0.3, total_s=0.6) as vault:
        tokenizer = Tokenizer(vault, credentials["tokenizer"])
        tokenizer.fingerprint("key:a", b"")
        proxy.break_after(0, "hang")

        def reason(_: int) -> str:
            started = time.monotonic()
            with pytest.raises(KeysUnavailable) as caught:
                tokenizer.fingerprint("key:a", b"")
            assert time.monotonic() - started < 2
            return caught.value.reason

        with ThreadPoolExecutor(12) as threads:
            assert set(threads.map(reason, range(12))) <= {"slow", "overloaded"}


def test_a_stopped_and_a_sealed_vault_are_known_quickly(tmp_path: Path) -> None:
    bao = start_bao(tmp_path)
    try:
        identities = provision(bao.addr, bao.root_token, policies=POLICIES)
        with Vault(bao.addr) as vault:
            tokenizer = Tokenizer(vault, identities["tokenizer"])
            assert len(tokenizer.fingerprint("key:a", b"")) == 32
            assert health_of(vault) == "ok"

            assert bao.request("PUT", "sys/seal")[0] == 204
            assert health_of(vault) == "sealed"
            assert _unavailable(tokenizer) == "sealed"
            assert _unavailable(Tokenizer(vault, identities["tokenizer"])) == "sealed"

            bao.stop()
            assert health_of(vault) == "gone"
            assert _unavailable(tokenizer) == "gone"
    finally:
        bao.stop()


def _unavailable(tokenizer: Tokenizer) -> str:
    started = time.monotonic()
    with pytest.raises(KeysUnavailable) as caught:
        tokenizer.fingerprint("key:a", CANARY)
    assert time.monotonic() - started < 1
    assert_silent(caught.value)
    return caught.value.reason
