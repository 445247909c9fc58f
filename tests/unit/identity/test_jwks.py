"""Which keys of a set are used."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.functional.identity.provider import b64, new_private_key, public_jwk
from vault_gateway.identity.fetch import JwksError
from vault_gateway.identity.jwks import parse_jwks

RSA, EC, ED = (public_jwk(new_private_key(algorithm)) for algorithm in ("RS256", "ES256", "EdDSA"))


def the_set(*keys: Any) -> bytes:
    return json.dumps({"keys": list(keys)}).encode()


def test_each_kind_is_for_its_own_algorithm_only() -> None:
    keys = parse_jwks(the_set({**RSA, "kid": "r"}, {**EC, "kid": "e"}, {**ED, "kid": "o"}))
    found = {
        (kid, algorithm)
        for kid in "reo"
        for algorithm in ("RS256", "ES256", "EdDSA", "Ed25519", "HS256", "none", "PS256")
        if keys.find(kid, algorithm) is not None
    }
    assert found == {("r", "RS256"), ("e", "ES256"), ("o", "EdDSA"), ("o", "Ed25519")}


def test_without_a_kid_only_one_key_can_be_meant() -> None:
    assert parse_jwks(the_set(RSA, EC)).find(None, "RS256") is not None
    another = public_jwk(new_private_key("ES256"), kid="2")
    assert parse_jwks(the_set(EC, another)).find(None, "ES256") is None
    assert parse_jwks(the_set(EC, another)).find("2", "ES256") is not None


def small(bits: int, exponent: int = 65537) -> dict[str, str]:
    return public_jwk(rsa.generate_private_key(public_exponent=exponent, key_size=bits))


def p384() -> dict[str, str]:
    point = ec.generate_private_key(ec.SECP384R1()).public_key().public_numbers()
    return {"kty": "EC", "crv": "P-384", "x": b64(point.x.to_bytes(48)), "y": b64(point.y.to_bytes(48))}


@pytest.mark.parametrize(
    "entry",
    [
        small(1024),
        small(2048, exponent=3),
        {**RSA, "n": b64(b"\xff" * 1025)},
        p384(),
        {**EC, "y": EC["x"]},
        {**EC, "crv": "secp256k1"},
        {**ED, "x": b64(b"short")},
        {**ED, "crv": "X25519"},
        {"kty": "oct", "k": b64(b"k" * 32)},
        {**RSA, "use": "enc"},
        {**RSA, "key_ops": ["encrypt"]},
        {**RSA, "key_ops": 1},
        {**RSA, "alg": "RSA-OAEP"},
        {**RSA, "alg": "PS256"},
        {**RSA, "alg": ["RS256"]},
        {**RSA, "kid": 7},
        {**RSA, "kid": "k" * 257},
        {**RSA, "n": 5},
        {"kty": "RSA"},
        {},
        "key",
        None,
    ],
)
def test_a_key_that_is_not_used_spoils_nothing_else(entry: Any) -> None:
    keys = parse_jwks(the_set(entry, {**ED, "kid": "good"}))
    assert [one.kid for one in keys.keys] == ["good"]
    assert len(keys.skipped) == 1
    assert keys.skipped[0].startswith("key 1: ")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{}",
        b'{"keys": {}}',
        b'{"keys": [], "keys": []}',
        b"<html>",
        b"\xff",
        the_set({**ED, "d": "AAAA"}),
        the_set({**RSA, "p": "AAAA"}),
        the_set({**EC, "kid": "k"}, {**public_jwk(new_private_key("ES256")), "kid": "k"}),
        the_set(*[ED] * 101),
    ],
)
def test_a_set_that_cannot_be_trusted_is_refused_whole(raw: bytes) -> None:
    with pytest.raises(JwksError):
        parse_jwks(raw)


def test_one_kid_for_two_kinds_of_key_is_no_doubt() -> None:
    keys = parse_jwks(the_set({**EC, "kid": "k"}, {**ED, "kid": "k"}))
    assert keys.find("k", "ES256") is not keys.find("k", "EdDSA")
