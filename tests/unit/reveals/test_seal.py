"""Sealed answers: what opens, what does not, and which keys are refused."""

from __future__ import annotations

import base64
import json
import tomllib
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from tests import canaries
from vault_gateway.reveals.seal import KeyInvalid, read_public_key, seal, unseal

REVEAL = "rv_01jmqk8z5ve9fr2v8tzq0c3w9d"
KEY = X25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
PAYLOAD = {"fields": {"name": "A name"}, "ack_code": "abcdefghijkl"}

# The points of small order on Curve25519, two of them in a second encoding (RFC 7748 takes any 32 bytes).
SMALL_ORDER = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]


def test_the_holder_opens_what_was_sealed() -> None:
    someone = canaries.person()
    payload = {"fields": {"name": someone.name, "address": someone.address}, "ack_code": "code"}
    sealed = seal(PUBLIC, REVEAL, payload)
    assert unseal(KEY, REVEAL, sealed) == payload
    assert not list(canaries.leaks(json.dumps(sealed).encode()))
    assert not list(canaries.leaks(base64.b64decode(sealed["ciphertext"])))


def test_nothing_else_opens_it() -> None:
    sealed = seal(PUBLIC, REVEAL, PAYLOAD)
    moved = REVEAL[:-1] + "e"
    with pytest.raises(InvalidTag):
        unseal(KEY, moved, sealed)
    with pytest.raises(InvalidTag):
        unseal(X25519PrivateKey.generate(), REVEAL, sealed)
    with pytest.raises(InvalidTag):
        unseal(KEY, REVEAL, {**sealed, "enc": seal(PUBLIC, REVEAL, PAYLOAD)["enc"]})


def test_each_sealing_is_a_new_one() -> None:
    first, second = seal(PUBLIC, REVEAL, PAYLOAD), seal(PUBLIC, REVEAL, PAYLOAD)
    assert first["enc"] != second["enc"]
    assert first["ciphertext"] != second["ciphertext"]


@given(st.data())
def test_any_changed_byte_keeps_it_shut(data: st.DataObject) -> None:
    sealed = seal(PUBLIC, REVEAL, PAYLOAD)
    part = data.draw(st.sampled_from(["enc", "ciphertext"]))
    raw = bytearray(base64.b64decode(sealed[part]))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    # X25519 ignores the highest bit of a public key, but the key schedule binds `enc` as it was sent.
    with pytest.raises((InvalidTag, ValueError)):
        unseal(KEY, REVEAL, {**sealed, part: base64.b64encode(bytes(raw)).decode()})


def test_any_implementation_of_rfc_9180_opens_it() -> None:
    """Decapsulation and key schedule written out from the RFC's text (4.1, 5.1), suite 0x0020, 0x0001, 0x0002."""
    sealed = seal(PUBLIC, REVEAL, PAYLOAD)
    enc, ciphertext = base64.b64decode(sealed["enc"]), base64.b64decode(sealed["ciphertext"])
    shared = KEY.exchange(X25519PublicKey.from_public_bytes(enc))
    kem = b"KEM\x00\x20"
    prk = _extract(b"", b"HPKE-v1" + kem + b"eae_prk" + shared)
    secret = _expand(prk, b"\x00\x20HPKE-v1" + kem + b"shared_secret" + enc + PUBLIC, 32)
    suite = b"HPKE\x00\x20\x00\x01\x00\x02"
    psk_id = _extract(b"", b"HPKE-v1" + suite + b"psk_id_hash")
    info = _extract(b"", b"HPKE-v1" + suite + b"info_hash" + REVEAL.encode())
    context = b"\x00" + psk_id + info
    prk = _extract(secret, b"HPKE-v1" + suite + b"secret")
    key = _expand(prk, b"\x00\x20HPKE-v1" + suite + b"key" + context, 32)
    nonce = _expand(prk, b"\x00\x0cHPKE-v1" + suite + b"base_nonce" + context, 12)
    assert json.loads(AESGCM(key).decrypt(nonce, ciphertext, b"")) == PAYLOAD


def test_a_vector_that_others_sealed_opens() -> None:
    """The file says where it is from; what the suite opens is not only what it sealed itself."""
    vector = tomllib.loads((Path(__file__).parents[2] / "vectors" / "sealed.toml").read_text("utf-8"))
    private = X25519PrivateKey.from_private_bytes(bytes.fromhex(vector["private_key"]))
    assert private.public_key().public_bytes_raw().hex() == vector["public_key"]
    sealed = {"enc": vector["enc"], "ciphertext": vector["ciphertext"]}
    assert unseal(private, vector["reveal_id"], sealed) == json.loads(vector["payload"])


@pytest.mark.parametrize("top_bit", [0, 0x80])
@pytest.mark.parametrize("point", SMALL_ORDER)
def test_points_that_share_no_secret_are_refused(point: str, top_bit: int) -> None:
    raw = bytearray.fromhex(point)
    raw[31] |= top_bit
    with pytest.raises(KeyInvalid):
        read_public_key(base64.b64encode(raw).decode())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "AAAA",
        base64.b64encode(PUBLIC[:31]).decode(),
        base64.b64encode(PUBLIC + b"\x00").decode(),
        base64.b64encode(PUBLIC).decode().rstrip("="),
        base64.b64encode(PUBLIC).decode() + "\n",
        base64.b64encode(PUBLIC).decode() + "=",
        PUBLIC.hex(),
        base64.b64encode(PUBLIC).decode()[:-2] + "é=",
        "\x00" * 44,
    ],
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(KeyInvalid):
        read_public_key(text)


def test_a_key_is_read_as_its_bytes() -> None:
    assert read_public_key(base64.b64encode(PUBLIC).decode()) == PUBLIC


def _extract(salt: bytes, material: bytes) -> bytes:
    mac = hmac.HMAC(salt or bytes(32), hashes.SHA256())
    mac.update(material)
    return mac.finalize()


def _expand(prk: bytes, info: bytes, length: int) -> bytes:
    mac = hmac.HMAC(prk, hashes.SHA256())
    mac.update(info + b"\x01")
    return mac.finalize()[:length]
