"""Tokens that are wrong in one way each, with the reason for which each is refused."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import serialization

from tests.functional.identity.provider import Provider, b64, public_jwk, raw_token
from tests.world import World


@dataclass
class Scene:
    """A provider of one carrier's own people, with an RSA key; another provider beside it."""

    world: World
    carrier: str
    provider: Provider
    other: Provider

    def good(self, **claims: Any) -> dict[str, Any]:
        return self.provider.claims(**{"sub": "desk", "role": "carrier", **claims})

    def token(self, **claims: Any) -> str:
        return self.provider.token_of(self.provider.header(), self.good(**claims))

    def with_header(self, **more: Any) -> str:
        return self.provider.token_of(self.provider.header(**more), self.good())

    def raw(self, header: str, payload: str) -> str:
        return raw_token(self.provider.key, header.encode(), payload.encode())


def public_pem(provider: Provider) -> bytes:
    return provider.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def hmac_token(header: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    message = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"
    return f"{message}.{b64(hmac.digest(secret, message.encode(), hashlib.sha256))}"


def unsigned(scene: Scene, algorithm: str) -> str:
    header = b64(json.dumps({"alg": algorithm, "kid": "k1"}).encode())
    return f"{header}.{b64(json.dumps(scene.good()).encode())}."


def trailing_bits(scene: Scene) -> str:
    """The same 256 bytes of signature, written with other bits after their end."""
    token = scene.token()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + alphabet[alphabet.index(token[-1]) + 1]


def nested(scene: Scene) -> str:
    """A JWE by its shape, with a good token inside as its ciphertext."""
    header = b64(json.dumps({"alg": "dir", "enc": "A256GCM", "cty": "JWT"}).encode())
    return f"{header}..{b64(b'0' * 12)}.{b64(scene.token().encode())}.{b64(b'0' * 16)}"


def other_key(scene: Scene, **header: Any) -> str:
    """A good token but for the key, which is the sender's own."""
    stranger = Provider(scene.provider.iss, "RS256")
    return stranger.token_of(stranger.header(**header), scene.good())


def duplicate(scene: Scene, first: str) -> str:
    payload = json.dumps(scene.good())
    return scene.raw(json.dumps(scene.provider.header()), "{" + first + "," + payload[1:])


def in_days(days: float) -> int:
    return int(time.time() + days * 86_400)


FORGERIES: dict[str, tuple[str, Callable[[Scene], str]]] = {
    # The signature, and who is to have made it.
    "alg none": ("malformed", lambda s: unsigned(s, "none")),
    "alg none with a signature": (
        "algorithm_not_allowed",
        lambda s: s.with_header(alg="none"),
    ),
    "alg NoNe": ("algorithm_not_allowed", lambda s: s.with_header(alg="NoNe")),
    "no alg": ("algorithm_not_allowed", lambda s: s.raw('{"kid":"k1"}', json.dumps(s.good()))),
    "alg a list": ("algorithm_not_allowed", lambda s: s.with_header(alg=["RS256"])),
    "no signature": ("malformed", lambda s: unsigned(s, "RS256")),
    "HMAC with the public key as PEM": (
        "algorithm_not_allowed",
        lambda s: hmac_token({"alg": "HS256", "kid": "k1"}, s.good(), public_pem(s.provider)),
    ),
    "HMAC with the key set": (
        "algorithm_not_allowed",
        lambda s: hmac_token({"alg": "HS256", "kid": "k1"}, s.good(), s.provider.jwks()),
    ),
    "HMAC that calls itself RS256": (
        "signature",
        lambda s: hmac_token({"alg": "RS256", "kid": "k1"}, s.good(), public_pem(s.provider)),
    ),
    "PS256": ("algorithm_not_allowed", lambda s: s.with_header(alg="PS256")),
    "RS512": ("algorithm_not_allowed", lambda s: s.with_header(alg="RS512")),
    "ES256 with an RSA key": ("unknown_key", lambda s: s.with_header(alg="ES256")),
    "EdDSA with an RSA key": ("unknown_key", lambda s: s.with_header(alg="EdDSA")),
    "a stranger's key": ("signature", other_key),
    "a stranger's key and id": ("unknown_key", lambda s: other_key(s, kid="k9")),
    "another issuer's key": (
        "signature",
        lambda s: s.other.token_of(s.other.header(), s.good()),
    ),
    "signature cut short": ("signature", lambda s: s.token().rpartition(".")[0] + ".AAAA"),
    "signature of zeros": ("signature", lambda s: s.token().rpartition(".")[0] + "." + b64(bytes(256))),
    # The header.
    "kid a path": ("unknown_key", lambda s: other_key(s, kid="../../../../dev/null")),
    "kid SQL": ("unknown_key", lambda s: other_key(s, kid="x' union select 'k1'--")),
    "kid with NUL": ("unknown_key", lambda s: other_key(s, kid="k1\0")),
    "kid very long": ("header_not_allowed", lambda s: other_key(s, kid="k" * 300)),
    "kid a number": ("header_not_allowed", lambda s: s.with_header(kid=1)),
    "kid null": ("header_not_allowed", lambda s: s.with_header(kid=None)),
    "kid empty": ("header_not_allowed", lambda s: s.with_header(kid="")),
    "jku": ("header_not_allowed", lambda s: other_key(s, jku="https://127.0.0.1/jwks")),
    "x5u": ("header_not_allowed", lambda s: other_key(s, x5u="https://127.0.0.1/x")),
    "x5c": ("header_not_allowed", lambda s: other_key(s, x5c=["MIIB"])),
    "its own jwk": ("header_not_allowed", lambda s: s.with_header(jwk=public_jwk(s.provider.key))),
    "crit": ("header_not_allowed", lambda s: s.with_header(crit=["exp"])),
    "unencoded payload": ("header_not_allowed", lambda s: s.with_header(b64=False, crit=["b64"])),
    "compressed": ("header_not_allowed", lambda s: s.with_header(zip="DEF")),
    "content type JWT": ("header_not_allowed", lambda s: s.with_header(cty="JWT")),
    "a logout token": ("type_not_allowed", lambda s: s.with_header(typ="logout+jwt")),
    "type a number": ("type_not_allowed", lambda s: s.with_header(typ=1)),
    "header names twice": (
        "malformed",
        lambda s: s.raw('{"alg":"RS256","kid":"k1","kid":"k1"}', json.dumps(s.good())),
    ),
    "alg twice": (
        "malformed",
        lambda s: s.raw('{"alg":"none","alg":"RS256","kid":"k1"}', json.dumps(s.good())),
    ),
    "header a list": ("malformed", lambda s: s.raw('["RS256"]', json.dumps(s.good()))),
    # How it is written.
    "nested in a JWE": ("malformed", nested),
    "trailing bits": ("malformed", trailing_bits),
    "padding": ("malformed", lambda s: s.token() + "=="),
    "plain base64": (
        "malformed",
        lambda s: s.token().replace("-", "+").replace("_", "/") + "+",
    ),
    "a line break in it": ("malformed", lambda s: s.token().replace(".", ".\t", 1)),
    "four parts": ("malformed", lambda s: s.token() + ".AAAA"),
    "two parts": ("malformed", lambda s: s.token().rpartition(".")[0]),
    "payload not JSON": ("malformed", lambda s: s.raw(json.dumps(s.provider.header()), "iss=x")),
    "payload a list": ("malformed", lambda s: s.raw(json.dumps(s.provider.header()), "[1]")),
    "payload nested deeply": (
        "malformed",
        lambda s: s.raw(
            json.dumps(s.provider.header()), json.dumps(s.good())[:-1] + ', "a":' + "[" * 16 + "]" * 16 + "}"
        ),
    ),
    "payload in Latin-1": (
        "malformed",
        lambda s: raw_token(
            s.provider.key, json.dumps(s.provider.header()).encode(), '{"iss":"\xe9"}'.encode("latin-1")
        ),
    ),
    "payload with a byte order mark": (
        "malformed",
        lambda s: s.raw(json.dumps(s.provider.header()), "\ufeff" + json.dumps(s.good())),
    ),
    "NaN": ("malformed", lambda s: duplicate(s, '"x":NaN')),
    "sub twice": ("malformed", lambda s: duplicate(s, '"sub":"boss"')),
    "sub twice by an escape": ("malformed", lambda s: duplicate(s, '"s\\u0075b":"boss"')),
    "role twice, alike": ("malformed", lambda s: duplicate(s, '"role":"carrier"')),
    "twice deep inside": ("malformed", lambda s: duplicate(s, '"x":{"a":1,"a":2}')),
    # For whom and when.
    "no aud": ("audience", lambda s: s.token(aud=None)),
    "another aud": ("audience", lambda s: s.token(aud="vault-gateway2")),
    "aud in capitals": ("audience", lambda s: s.token(aud="Vault-Gateway")),
    "aud list without us": ("audience", lambda s: s.token(aud=["a", "b"])),
    "aud list empty": ("audience", lambda s: s.token(aud=[])),
    "aud list with a number": ("audience", lambda s: s.token(aud=["vault-gateway", 1])),
    "aud an object": ("audience", lambda s: s.token(aud={"vault-gateway": 1})),
    "aud nested": ("audience", lambda s: s.token(aud=[["vault-gateway"]])),
    "no exp": ("claim_missing", lambda s: s.token(exp=None)),
    "exp null": (
        "claim_malformed",
        lambda s: s.provider.token_of(s.provider.header(), {**s.good(), "exp": None}),
    ),
    "exp a string": ("claim_malformed", lambda s: s.token(exp=str(in_days(0.01)))),
    "exp a float": ("claim_malformed", lambda s: s.token(exp=time.time() + 60)),
    "exp true": ("claim_malformed", lambda s: s.token(exp=True)),
    "exp negative": ("claim_malformed", lambda s: s.token(exp=-1)),
    "exp huge": ("claim_malformed", lambda s: s.token(exp=10**30)),
    "exp 1e400": (
        "claim_malformed",
        lambda s: s.raw(json.dumps(s.provider.header()), '{"exp":1e400,' + json.dumps(s.good(exp=None))[1:]),
    ),
    "exp in ten years": ("lives_too_long", lambda s: s.token(exp=in_days(3650))),
    "exp in ten years, no iat": ("lives_too_long", lambda s: s.token(exp=in_days(3650), iat=None)),
    "over": ("expired", lambda s: s.token(exp=int(time.time()) - 61)),
    "nbf ahead": ("not_yet_valid", lambda s: s.token(nbf=int(time.time()) + 120)),
    "nbf a string": ("claim_malformed", lambda s: s.token(nbf="0")),
    "iat ahead": ("not_yet_valid", lambda s: s.token(iat=int(time.time()) + 120)),
    "iat a float": ("claim_malformed", lambda s: s.token(iat=1.5)),
    # Whose word it is.
    "no iss": ("unknown_issuer", lambda s: s.token(iss=None)),
    "iss with a slash more": ("unknown_issuer", lambda s: s.token(iss=s.provider.iss + "/")),
    "iss in capitals": ("unknown_issuer", lambda s: s.token(iss=s.provider.iss.upper())),
    "iss with a space": ("claim_malformed", lambda s: s.token(iss=s.provider.iss + " ")),
    "iss with NUL": ("claim_malformed", lambda s: s.token(iss=s.provider.iss + "\0")),
    "iss with a Cyrillic letter": (
        "claim_malformed",
        lambda s: s.token(iss=s.provider.iss.replace("e", "\u0435", 1)),
    ),
    "iss with a port": (
        "unknown_issuer",
        lambda s: s.token(iss=s.provider.iss.replace(".example", ".example:443")),
    ),
    "iss a list": ("claim_malformed", lambda s: s.token(iss=[s.provider.iss])),
    "iss a pattern": ("unknown_issuer", lambda s: s.token(iss="%")),
    # What it claims.
    "no sub": ("subject", lambda s: s.token(sub=None)),
    "sub a number": ("subject", lambda s: s.token(sub=7)),
    "sub empty": ("subject", lambda s: s.token(sub="")),
    "sub with a colon": ("subject", lambda s: s.token(sub="a:b")),
    "sub with a slash": ("subject", lambda s: s.token(sub="station/x")),
    "sub with a line break": ("subject", lambda s: s.token(sub="desk\n")),
    "sub an e-mail address": ("subject", lambda s: s.token(sub="someone@sf.example")),
    "sub in other letters": ("subject", lambda s: s.token(sub="d\u0435sk")),
    "sub very long": ("subject", lambda s: s.token(sub="a" * 129)),
    "a courier's sub no handle": ("subject", lambda s: s.token(role="courier", sub="Li.Lei")),
    "no role where there are three": ("claim_missing", lambda s: s.token(role=None)),
    "role of an auditor": ("beyond_binding", lambda s: s.token(role="auditor")),
    "role of a responder": ("beyond_binding", lambda s: s.token(role="responder")),
    "role of an operator": ("beyond_binding", lambda s: s.token(role="operator")),
    "role of a merchant": (
        "beyond_binding",
        lambda s: s.token(role="merchant", platform="douyin", merchant="tea"),
    ),
    "role unheard of": ("beyond_binding", lambda s: s.token(role="root")),
    "role in capitals": ("beyond_binding", lambda s: s.token(role="Carrier")),
    "role a list": ("claim_malformed", lambda s: s.token(role=["carrier"])),
    "another carrier": ("beyond_binding", lambda s: s.token(carrier="yto")),
    "another carrier's courier": (
        "beyond_binding",
        lambda s: s.token(role="courier", sub="42", carrier="yto"),
    ),
    "carrier null": (
        "claim_malformed",
        lambda s: s.provider.token_of(s.provider.header(), {**s.good(), "carrier": None}),
    ),
    "carrier a list": ("claim_malformed", lambda s: s.token(carrier=[s.carrier])),
    "carrier no slug": ("claim_malformed", lambda s: s.token(carrier=s.carrier + "/x")),
    "a platform beside the carrier": ("beyond_binding", lambda s: s.token(platform="douyin")),
    "a merchant beside the carrier": ("beyond_binding", lambda s: s.token(merchant="tea")),
    "a station for a whole carrier": ("beyond_binding", lambda s: s.token(station="s1")),
    "a station without its name": ("claim_missing", lambda s: s.token(role="station")),
    "jti a number": ("claim_malformed", lambda s: s.token(jti=1)),
    "jti very long": ("claim_malformed", lambda s: s.token(jti="j" * 300)),
}
