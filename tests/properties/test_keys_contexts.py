"""Contexts and HMAC inputs: different things never give the same bytes."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from vault_gateway.keys.contexts import (
    Address,
    blind_index_input,
    derivation_context,
    fingerprint_input,
    prefixed,
)
from vault_gateway.model import Kind, Origin

fields = st.lists(st.binary(max_size=12), max_size=5)
addresses = st.builds(Address, st.uuids(), st.sampled_from(Kind), st.uuids())
owners = st.tuples(st.uuids(), st.sampled_from(Origin), st.sampled_from(Kind), st.binary(max_size=40))
requests = st.tuples(st.text(max_size=20), st.binary(max_size=40))


def split(data: bytes) -> tuple[bytes, list[bytes]]:
    """Reads `prefixed` back; that this is possible is what injective means."""
    version, rest, parts = data[:1], data[1:], []
    while rest:
        length = int.from_bytes(rest[:4], "big")
        parts.append(rest[4 : 4 + length])
        rest = rest[4 + length :]
    return version, parts


@given(version=st.binary(min_size=1, max_size=1), parts=fields)
def test_fields_can_be_read_back(version: bytes, parts: list[bytes]) -> None:
    assert split(prefixed(version, *parts)) == (version, parts)


@given(first=fields, second=fields)
def test_other_fields_give_other_bytes(first: list[bytes], second: list[bytes]) -> None:
    assert (prefixed(b"\x01", *first) == prefixed(b"\x01", *second)) == (first == second)


@given(address=addresses)
def test_a_context_is_its_address(address: Address) -> None:
    version, parts = split(derivation_context(address))
    assert version == b"\x01"
    assert [UUID(bytes=parts[0]), parts[1].decode(), UUID(bytes=parts[2])] == [
        address.tenant_id,
        address.kind.value,
        address.token,
    ]


@given(owner=owners)
def test_an_index_input_is_its_owner_and_value(owner: tuple[UUID, Origin, Kind, bytes]) -> None:
    tenant_id, origin, kind, value = owner
    expected = (b"\x02", [tenant_id.bytes, origin.value.encode(), kind.value.encode(), value])
    assert split(blind_index_input(tenant_id, origin, kind, value)) == expected


@given(address=addresses, owner=owners, request=requests)
def test_the_three_uses_never_meet(
    address: Address, owner: tuple[UUID, Origin, Kind, bytes], request: tuple[str, bytes]
) -> None:
    inputs = {derivation_context(address), blind_index_input(*owner), fingerprint_input(*request)}
    assert len({data[0] for data in inputs}) == 3


@given(first=requests, second=requests)
def test_fingerprint_inputs_are_apart(first: tuple[str, bytes], second: tuple[str, bytes]) -> None:
    assert (fingerprint_input(*first) == fingerprint_input(*second)) == (first == second)
