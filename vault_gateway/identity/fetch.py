"""Fetching an issuer's keys from an address that an operator gave: a limit on the size and on the time of the whole
exchange, however slowly the other side drips."""

from __future__ import annotations

import http.client
import io
import socket
import time
from typing import cast
from urllib.parse import SplitResult

from vault_gateway.outside.calling import (
    CallRefused,
    Outside,
    connected,
    require_callable,
    seconds_left,
    target_of,
)

TIMEOUT_S = 5.0
MAX_BYTES = 256 * 1024


class JwksError(Exception):
    """Keys cannot be had. The text is for the operator and holds nothing that the other side sent."""


def is_url(source: str) -> bool:
    return "://" in source


def require_fetchable(url: str, outside: Outside) -> SplitResult:
    """The parts of an address that may be fetched; JwksError for any other."""
    try:
        return require_callable(url, outside)
    except CallRefused as refusal:
        raise JwksError(f"the address of the keys: {refusal}") from None


def fetch(url: str, outside: Outside) -> bytes:
    """The body of a 200 answer. JwksError for everything else."""
    deadline = time.monotonic() + TIMEOUT_S
    parts = require_fetchable(url, outside)
    try:
        with connected(parts, outside, deadline) as connection:
            return _exchange(connection, parts, deadline)
    except CallRefused as refusal:
        raise JwksError(f"the address of the keys: {refusal}") from None
    except (http.client.HTTPException, ValueError):
        raise JwksError("the address of the keys does not answer as it should") from None


def _exchange(connection: socket.socket, parts: SplitResult, deadline: float) -> bytes:
    request = (
        f"GET {target_of(parts)} HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: application/json\r\n"
        "Accept-Encoding: identity\r\nUser-Agent: vault-gateway\r\nConnection: close\r\n\r\n"
    )
    connection.settimeout(seconds_left(deadline))
    connection.sendall(request.encode("ascii"))
    received = bytearray()
    while len(received) <= MAX_BYTES:
        connection.settimeout(seconds_left(deadline))
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
