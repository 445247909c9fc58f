"""Fetching an issuer's keys from an address that an operator gave, and from nowhere else.

The name is resolved once, every address it has must be allowed, and the connection goes to one of those: a name
that answers differently a moment later changes nothing. No redirects, no proxy, no cookies; a limit on the size
and on the time of the whole exchange, however slowly the other side drips.
"""

from __future__ import annotations

import http.client
import io
import re
import socket
import ssl
import time
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import cast
from urllib.parse import SplitResult, urlsplit

from vault_gateway.identity.addresses import is_inside, is_loopback, is_public

TIMEOUT_S = 5.0
MAX_BYTES = 256 * 1024
_CONNECT_S = 2.0
_MAX_ADDRESSES = 4
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,252}[a-z0-9])?")
_TARGET = re.compile(r"[!-~]*")


class JwksError(Exception):
    """Keys cannot be had. The text is for the operator and holds nothing that the other side sent."""


@dataclass(frozen=True)
class Outside:
    """How the gateway may look for keys: hosts that may have an address inside, a further authority to trust."""

    internal_hosts: frozenset[str] = frozenset()
    ca_file: Path | None = None

    def tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.ca_file is not None:
            context.load_verify_locations(self.ca_file)
        return context


def is_url(source: str) -> bool:
    return "://" in source


def require_fetchable(url: str, outside: Outside) -> SplitResult:
    """The parts of an address that may be fetched: https, or http on loopback where the host is allowed."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise JwksError("the address of the keys is not a URL") from None
    host = parts.hostname or ""
    if parts.scheme not in ("https", "http") or not (_HOST.fullmatch(host) or _is_ip(host)) or port == 0:
        raise JwksError("the address of the keys must be https://HOST[:PORT]/PATH")
    if parts.username is not None or parts.password is not None or parts.fragment or not _plain(url):
        raise JwksError("the address of the keys must have no user, no fragment and no odd characters")
    if parts.scheme == "http" and host not in outside.internal_hosts:
        raise JwksError("keys are fetched by https only")
    return parts


def fetch(url: str, outside: Outside) -> bytes:
    """The body of a 200 answer. JwksError for everything else."""
    parts = require_fetchable(url, outside)
    deadline = time.monotonic() + TIMEOUT_S
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    addresses = _resolve(host, port)
    _require_allowed(addresses, host, parts.scheme, outside)
    try:
        with _connect(addresses, port, deadline) as plain:
            if parts.scheme == "http":
                return _exchange(plain, parts, deadline)
            plain.settimeout(_left(deadline))
            with outside.tls().wrap_socket(plain, server_hostname=host) as secure:
                return _exchange(secure, parts, deadline)
    except ssl.SSLError:
        raise JwksError("the certificate or the TLS of the other side is not good") from None
    except (OSError, http.client.HTTPException, ValueError):
        raise JwksError("the address of the keys does not answer as it should") from None


def _resolve(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise JwksError("the host of the keys has no address") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _require_allowed(addresses: list[str], host: str, scheme: str, outside: Outside) -> None:
    """All or nothing: a name with one address inside is not one to be called at its others."""
    internal = host in outside.internal_hosts
    for address in addresses:
        if scheme == "http" and not is_loopback(address):
            raise JwksError("keys are fetched by https only")
        if not (is_public(address) or (internal and is_inside(address))):
            raise JwksError("the host of the keys has an address that is not on the public internet")


def _connect(addresses: list[str], port: int, deadline: float) -> socket.socket:
    failure: OSError = TimeoutError("no address")
    for address in addresses[:_MAX_ADDRESSES]:
        try:
            return socket.create_connection((address, port), timeout=min(_CONNECT_S, _left(deadline)))
        except OSError as error:
            failure = error
    raise failure


def _exchange(connection: socket.socket, parts: SplitResult, deadline: float) -> bytes:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    request = (
        f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: application/json\r\n"
        "Accept-Encoding: identity\r\nUser-Agent: vault-gateway\r\nConnection: close\r\n\r\n"
    )
    connection.settimeout(_left(deadline))
    connection.sendall(request.encode("ascii"))
    received = bytearray()
    while len(received) <= MAX_BYTES:
        connection.settimeout(_left(deadline))
        piece = connection.recv(65536)
        if not piece:
            return _body(bytes(received))
        received += piece
    raise JwksError(f"the answer is larger than {MAX_BYTES // 1024} KiB")


class _Received:
    """What came in, as the part of a socket that http.client reads from."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._raw)


def _body(raw: bytes) -> bytes:
    answer = http.client.HTTPResponse(cast(socket.socket, _Received(raw)), method="GET")
    try:
        answer.begin()
        if answer.status != 200:
            raise JwksError("the address of the keys does not answer with 200; redirects are not followed")
        if answer.getheader("Content-Encoding", "identity").lower() != "identity":
            raise JwksError("the answer is compressed although that was not asked for")
        return answer.read()
    finally:
        answer.close()


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _is_ip(host: str) -> bool:
    try:
        return "%" not in host and ip_address(host) is not None
    except ValueError:
        return False


def _plain(url: str) -> bool:
    return _TARGET.fullmatch(url) is not None
