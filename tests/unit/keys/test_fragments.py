"""What Vault is asked with, in pieces that are put together for speed, are the bytes that `contexts.py` promises."""

from __future__ import annotations

from base64 import b64decode
from uuid import UUID, uuid4

import orjson

from vault_gateway.keys import Address, Ciphertext, Plaintexts
from vault_gateway.keys.contexts import blind_index_input, derivation_context
from vault_gateway.keys.transit import _index_fragments, _plaintext_fragments, ciphertext_fragments
from vault_gateway.model import Kind, Origin

TENANTS = uuid4(), uuid4()
TOKENS = uuid4(), uuid4(), uuid4()


def sent(fragments: list[bytes], name: str) -> list[bytes]:
    return [b64decode(orjson.loads(fragment)[name]) for fragment in fragments]


def contexts(tenant: UUID, kind: Kind, *tokens: UUID) -> list[bytes]:
    return [derivation_context(Address(tenant, kind, token)) for token in tokens]


def test_what_is_encrypted_is_bound_to_its_address() -> None:
    kinds = [Kind.PHONE, Kind.NAME, Kind.PHONE]
    plain = Plaintexts(TENANTS[0], Origin.MERCHANT, kinds, TOKENS, [b"a", b"b", b"c"], [b"", b"", b""])
    fragments = _plaintext_fragments(plain, Kind.PHONE, [0, 2])
    assert sent(fragments, "plaintext") == [b"a", b"c"]
    assert sent(fragments, "context") == contexts(TENANTS[0], Kind.PHONE, TOKENS[0], TOKENS[2])


def test_what_is_decrypted_is_bound_to_its_address_though_merchants_change_in_between() -> None:
    tenants = TENANTS[0], TENANTS[1], TENANTS[0]
    items = [
        (Address(tenant, Kind.ADDRESS, token), Ciphertext(7, b"sealed"))
        for tenant, token in zip(tenants, TOKENS, strict=True)
    ]
    fragments = ciphertext_fragments(items, Kind.ADDRESS, [0, 1, 2])
    assert [orjson.loads(one)["ciphertext"] for one in fragments] == ["vault:v7:c2VhbGVk"] * 3
    assert sent(fragments, "context") == [derivation_context(address) for address, _ in items]


def test_a_blind_index_is_of_its_merchant_origin_kind_and_value() -> None:
    values = [(Kind.PHONE, b"+8613800138000"), (Kind.NAME, "张".encode()), (Kind.NAME, b"")]
    for origin in Origin:
        fragments = _index_fragments(TENANTS[0], origin, values)
        assert sent(fragments, "input") == [
            blind_index_input(TENANTS[0], origin, kind, value) for kind, value in values
        ]
