"""What Vault answers is taken whole or not at all."""

from __future__ import annotations

from binascii import b2a_base64
from typing import Any

import pytest

from vault_gateway.keys import Ciphertext, KeyFault, KeysUnavailable, batches
from vault_gateway.keys.transit import ByKind, _as_hmacs, _closed, as_ciphertexts
from vault_gateway.model import Kind

DIGEST = bytes(range(32))


def text(version: int, data: bytes) -> str:
    return f"vault:v{version}:{b2a_base64(data, newline=False).decode()}"


def closed(version: int, data: bytes) -> dict[str, Any]:
    return {"ciphertext": text(version, data), "key_version": version}


def test_a_rotation_in_the_middle_of_a_batch_keeps_each_version() -> None:
    results = [closed(1, b"one"), closed(12, b"two"), closed(1, b"three")]
    assert _closed(results) == [(1, b"one"), (12, b"two"), (1, b"three")]
    assert as_ciphertexts(results) == [Ciphertext(1, b"one"), Ciphertext(12, b"two"), Ciphertext(1, b"three")]


def test_one_value_that_is_refused_fails_them_all() -> None:
    with pytest.raises(KeysUnavailable, match="refused"):
        _closed([closed(1, b"one"), {"error": "no", "ciphertext": ""}])


def test_a_stored_ciphertext_fails_alone() -> None:
    one, other = as_ciphertexts([{"error": "no", "ciphertext": ""}, closed(2, b"other")])
    assert isinstance(one, KeyFault)
    assert other == Ciphertext(2, b"other")


@pytest.mark.parametrize(
    "answer", ["", "vault:v1", "vault:vx:AAAA", "other:v1:AAAA", "vault:1:AAAA", "a:vault:v1:AAAA", 7, None]
)
def test_a_ciphertext_of_another_shape_is_none(answer: object) -> None:
    with pytest.raises(KeysUnavailable, match="garbled"):
        batches._parsed(_closed, [{"ciphertext": answer}])


@pytest.mark.parametrize(
    "result",
    [
        {"hmac": text(2, DIGEST)},
        {"hmac": text(1, DIGEST[:31])},
        {"hmac": text(1, DIGEST), "error": "no"},
        {"hmac": ""},
    ],
)
def test_an_index_of_another_version_or_length_is_none(result: dict[str, Any]) -> None:
    assert _as_hmacs([{"hmac": text(1, DIGEST)}] * 2) == [DIGEST, DIGEST]
    with pytest.raises(KeysUnavailable, match="garbled"):
        batches._parsed(_as_hmacs, [{"hmac": text(1, DIGEST)}, result])


def test_answers_come_in_the_order_of_the_items() -> None:
    kinds = [Kind.NAME, Kind.PHONE, Kind.NAME, Kind.ADDRESS, Kind.PHONE]
    asked = ByKind("encrypt", "shop", kinds, lambda _, where: [b"%d" % at for at in where], as_ciphertexts)
    sent = {batch.path.rpartition("/")[2]: batch.items for batch in asked.batches()}
    assert sent == {"phone-shop": [b"1", b"4"], "address-shop": [b"3"], "name-shop": [b"0", b"2"]}
    assert asked.answers([[Ciphertext(1, item) for item in items] for items in sent.values()]) == [
        Ciphertext(1, b"%d" % at) for at in range(5)
    ]
