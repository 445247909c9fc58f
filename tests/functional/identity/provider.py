"""An identity provider: keys of its own, tokens of any shape, its key set in a file or on a real HTTPS server."""

from __future__ import annotations

import json
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

from tests.in_thread import QuietHandler, ThreadedServer, in_thread

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def new_private_key(algorithm: str) -> PrivateKey:
    if algorithm == "RS256":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return (
        ec.generate_private_key(ec.SECP256R1())
        if algorithm == "ES256"
        else ed25519.Ed25519PrivateKey.generate()
    )


def public_jwk(key: PrivateKey, **more: str) -> dict[str, str]:
    """Written by hand from RFC 7518 and RFC 8037, so that our reader meets what another program wrote."""
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.public_key().public_numbers()
        e, n = (b64(v.to_bytes((v.bit_length() + 7) // 8)) for v in (numbers.e, numbers.n))
        return {"kty": "RSA", "n": n, "e": e, **more}
    if isinstance(key, ec.EllipticCurvePrivateKey):
        point = key.public_key().public_numbers()
        return {
            "kty": "EC",
            "crv": "P-256",
            "x": b64(point.x.to_bytes(32)),
            "y": b64(point.y.to_bytes(32)),
            **more,
        }
    raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return {"kty": "OKP", "crv": "Ed25519", "x": b64(raw), **more}


def signature(key: PrivateKey, message: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    if isinstance(key, ec.EllipticCurvePrivateKey):
        r, s = utils.decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32) + s.to_bytes(32)
    return key.sign(message)


def raw_token(key: PrivateKey, header: bytes, payload: bytes) -> str:
    """Any header and payload, signed as they are."""
    message = f"{b64(header)}.{b64(payload)}"
    return f"{message}.{b64(signature(key, message.encode()))}"


@dataclass
class Provider:
    """One issuer with one key at a time."""

    iss: str
    algorithm: str = "ES256"
    kid: str = "k1"
    key: PrivateKey = field(init=False)

    def __post_init__(self) -> None:
        self.key = new_private_key(self.algorithm)

    def rotate(self, kid: str) -> None:
        self.kid, self.key = kid, new_private_key(self.algorithm)

    def jwks(self) -> bytes:
        return json.dumps({"keys": [public_jwk(self.key, kid=self.kid, use="sig")]}).encode()

    def claims(self, **claims: Any) -> dict[str, Any]:
        """The claims of a good token; a claim given as None is left out."""
        now = int(time.time())
        made = {
            "iss": self.iss,
            "aud": "vault-gateway",
            "iat": now,
            "exp": now + 600,
            "jti": secrets.token_hex(8),
            **claims,
        }
        return {name: value for name, value in made.items() if value is not None}

    def header(self, **more: Any) -> dict[str, Any]:
        return {"alg": self.algorithm, "kid": self.kid, "typ": "JWT", **more}

    def token(self, **claims: Any) -> str:
        return self.token_of(self.header(), self.claims(**claims))

    def token_of(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        return raw_token(self.key, json.dumps(header).encode(), json.dumps(claims).encode())


Answer = Callable[[BaseHTTPRequestHandler], None]


class JwksServer(ThreadedServer):
    """Answers every GET as `answer` does and counts them."""

    block_on_close = False

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.paths: list[str] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what some tests want."""


class _Handler(QuietHandler):
    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, JwksServer)
        server.paths.append(self.path)
        server.answer(self)


def json_answer(body: bytes) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@contextmanager
def serving(answer: Answer, pem: Path | None) -> Iterator[JwksServer]:
    with in_thread(JwksServer(answer), pem) as server:
        yield server
