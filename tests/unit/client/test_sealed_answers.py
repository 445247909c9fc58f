"""What the client does with a sealed answer that is not what it should be."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tests import canaries
from vault_gateway.client import NotSealedToUs
from vault_gateway.client.reveals import opened
from vault_gateway.reveals.seal import seal

_KEY = X25519PrivateKey.generate()


def sealed(name: str) -> dict[str, str]:
    payload = {"fields": {"name": name}, "ack_code": "code"}
    return seal(_KEY.public_key().public_bytes_raw(), "rv_a", payload)


def test_an_answer_opens_with_its_key_and_reveal() -> None:
    name = canaries.name()
    assert opened({"reveal_id": "rv_a", "sealed": sealed(name)}, _KEY).fields == {"name": name}


def test_an_answer_of_another_reveal_does_not_open() -> None:
    with pytest.raises(NotSealedToUs):
        opened({"reveal_id": "rv_b", "sealed": sealed(canaries.name())}, _KEY)


def test_an_answer_to_another_key_does_not_open() -> None:
    with pytest.raises(NotSealedToUs):
        opened({"reveal_id": "rv_a", "sealed": sealed(canaries.name())}, X25519PrivateKey.generate())


@pytest.mark.parametrize("at", range(0, 40, 7))
def test_an_altered_answer_does_not_open(at: int) -> None:
    answer = sealed(canaries.name())
    raw = bytearray(base64.b64decode(answer["ciphertext"]))
    raw[at] ^= 1
    answer["ciphertext"] = base64.b64encode(raw).decode()
    with pytest.raises(NotSealedToUs):
        opened({"reveal_id": "rv_a", "sealed": answer}, _KEY)


def test_an_unsealed_answer_to_a_key_is_refused() -> None:
    with pytest.raises(NotSealedToUs):
        opened({"reveal_id": "rv_a", "fields": {}, "ack_code": "code"}, _KEY)
