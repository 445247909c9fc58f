"""What goes in comes out, at its own address only."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.sealing import sealed
from vault_gateway.keys import Address, Ciphertext, KeyFault, KeysUnavailable, Operator, Revealer, Tokenizer
from vault_gateway.model import Kind, Origin


def closed(tokenizer: Tokenizer, platform: str, items: Sequence[tuple[Address, bytes]]) -> list[Ciphertext]:
    """The items' ciphertexts, none of which may fail."""
    ciphertexts = sealed(tokenizer, platform, items)
    assert len(ciphertexts) == len(items)
    return ciphertexts


def mixed(tenant_id: UUID, count: int) -> list[tuple[Address, bytes]]:
    kinds = list(Kind)
    return [
        (Address(tenant_id, kinds[n * n % 3], uuid4()), f"值 {n} of {count}".encode()) for n in range(count)
    ]


@pytest.mark.parametrize("count", [0, 1, 7, 50, 51, 333])
def test_mixed_kinds_come_back_in_order_over_any_number_of_batches(
    tokenizer: Tokenizer, revealer: Revealer, platform: str, tenant_id: UUID, count: int
) -> None:
    items = mixed(tenant_id, count)
    ciphertexts = closed(tokenizer, platform, items)
    opened = revealer.decrypt(platform, [(a, c) for (a, _), c in zip(items, ciphertexts, strict=True)])
    assert opened == [value for _, value in items]


def test_what_is_opened_may_mix_merchants(tokenizer: Tokenizer, revealer: Revealer, platform: str) -> None:
    items = [(Address(uuid4(), Kind.NAME, uuid4()), bytes([n])) for n in range(60)]
    ciphertexts = closed(tokenizer, platform, items)
    opened = revealer.decrypt(platform, [(a, c) for (a, _), c in zip(items, ciphertexts, strict=True)])
    assert opened == [value for _, value in items]


@given(value=st.binary(max_size=2000))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_round_trip(
    tokenizer: Tokenizer, revealer: Revealer, platform: str, home: Address, value: bytes
) -> None:
    [ciphertext] = closed(tokenizer, platform, [(home, value)])
    assert ciphertext.key_version == 1
    assert value == b"" or len(value) < 4 or value not in ciphertext.data
    assert revealer.decrypt(platform, [(home, ciphertext)]) == [value]


def test_the_same_value_never_gives_the_same_ciphertext(
    tokenizer: Tokenizer, platform: str, home: Address
) -> None:
    first, second = closed(tokenizer, platform, [(home, b"same"), (home, b"same")])
    assert first.data != second.data


def test_a_moved_ciphertext_does_not_open(
    tokenizer: Tokenizer, revealer: Revealer, operator: Operator, platform: str, home: Address
) -> None:
    [ciphertext] = closed(tokenizer, platform, [(home, b"13800001234")])
    elsewhere = [
        home._replace(token=uuid4()),
        home._replace(tenant_id=uuid4()),
        home._replace(kind=Kind.NAME),
        Address(home.token, home.kind, home.tenant_id),
    ]
    answers = revealer.decrypt(platform, [(address, ciphertext) for address in elsewhere])
    assert [type(answer) for answer in answers] == [KeyFault] * len(elsewhere)

    operator.create_platform(f"{platform}-other")
    [answer] = revealer.decrypt(f"{platform}-other", [(home, ciphertext)])
    assert isinstance(answer, KeyFault)


def test_one_bad_item_fails_alone(
    tokenizer: Tokenizer, revealer: Revealer, platform: str, tenant_id: UUID
) -> None:
    items = mixed(tenant_id, 120)
    stored = [
        (address, ciphertext)
        for (address, _), ciphertext in zip(items, closed(tokenizer, platform, items), strict=True)
    ]
    spoiled = {3: b"", 40: b"\0" * 40, 119: stored[119][1].data[:-1]}
    for position, data in spoiled.items():
        stored[position] = (stored[position][0], Ciphertext(1, data))
    stored[60] = (stored[60][0], stored[60][1]._replace(key_version=9))
    for position, answer in enumerate(revealer.decrypt(platform, stored)):
        if position in spoiled or position == 60:
            assert isinstance(answer, KeyFault)
            assert (str(answer), repr(answer)) == ("key fault", "KeyFault('key fault')")
        else:
            assert answer == items[position][1]


@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_changed_byte_anywhere_does_not_open(
    tokenizer: Tokenizer, revealer: Revealer, platform: str, home: Address, data: st.DataObject
) -> None:
    [ciphertext] = closed(tokenizer, platform, [(home, b"13800001234")])
    position = data.draw(st.integers(0, len(ciphertext.data) - 1))
    changed = bytearray(ciphertext.data)
    changed[position] ^= data.draw(st.integers(1, 255))
    [answer] = revealer.decrypt(platform, [(home, Ciphertext(1, bytes(changed)))])
    assert isinstance(answer, KeyFault)


def test_a_mistyped_platform_is_refused_and_gets_no_key(
    tokenizer: Tokenizer, operator: Operator, platform: str, home: Address
) -> None:
    with pytest.raises(KeysUnavailable, match="refused"):
        sealed(tokenizer, f"{platform}x", [(home, b"value")])
    assert platform in operator.platforms()
    assert f"{platform}x" not in operator.platforms()
    with pytest.raises(KeyFault):
        operator.versions(f"{platform}x")


@pytest.mark.parametrize("name", ["", "../sys", "a/b", "A", "a?b", "a%2fb", "a b"])
def test_a_platform_that_is_no_slug_never_reaches_a_url(
    tokenizer: Tokenizer, home: Address, name: str
) -> None:
    with pytest.raises(ValueError, match="slug"):
        sealed(tokenizer, name, [(home, b"value")])


def test_blind_indexes_are_stable_and_in_order(tokenizer: Tokenizer, tenant_id: UUID) -> None:
    values = [(Kind.PHONE, str(n % 70).encode()) for n in range(250)]
    indexes = tokenizer.blind_indexes(tenant_id, Origin.PLATFORM, values)
    assert tokenizer.blind_indexes(tenant_id, Origin.PLATFORM, values) == indexes
    assert {len(index) for index in indexes} == {32}
    assert len(set(indexes)) == 70
    assert indexes[:70] == indexes[70:140]
    assert tokenizer.blind_indexes(tenant_id, Origin.PLATFORM, []) == []


def test_blind_indexes_are_apart_by_tenant_origin_kind_and_value(
    tokenizer: Tokenizer, tenant_id: UUID
) -> None:
    values = [(kind, value) for kind in Kind for value in (b"", b"1", b"11")]
    owners = [(tenant, origin) for tenant in (tenant_id, uuid4()) for origin in Origin]
    found = {index for owner in owners for index in tokenizer.blind_indexes(*owner, values)}
    assert len(found) == len(owners) * len(values)


def test_a_fingerprint_is_the_principals_own(tokenizer: Tokenizer) -> None:
    fingerprint = tokenizer.fingerprint("key:a", b"{}")
    assert fingerprint == tokenizer.fingerprint("key:a", b"{}")
    assert len(fingerprint) == 32
    assert fingerprint != tokenizer.fingerprint("key:b", b"{}")
    assert fingerprint != tokenizer.fingerprint("key:a", b"{ }")


def test_threads_share_one_client(
    tokenizer: Tokenizer, revealer: Revealer, platform: str, tenant_id: UUID
) -> None:
    def round_trip(seed: int) -> bool:
        items = mixed(tenant_id, 20 + seed)
        ciphertexts = closed(tokenizer, platform, items)
        opened = revealer.decrypt(platform, [(a, c) for (a, _), c in zip(items, ciphertexts, strict=True)])
        return opened == [value for _, value in items]

    with ThreadPoolExecutor(12) as threads:
        assert all(threads.map(round_trip, range(48)))
