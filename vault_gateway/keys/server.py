"""Requests to Vault, several at once, and what its answers mean."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol
from urllib.parse import urlsplit

import orjson

from vault_gateway.keys.connections import Connection, Connections, NotConnected, Unreadable
from vault_gateway.keys.errors import KeyFault, KeysUnavailable

# HashiCorp Vault takes no longer arrays, whatever its limit on a body.
LONGEST_ARRAY = 10_000
_REFUSED_PAUSE_S = 0.05
# Requests of one operation on their way together: blind indexes and a ciphertext of each kind.
_AT_ONCE = 4


class Asks(Protocol):
    """Anything that sends a request to Vault under some identity and returns the parsed answer."""

    def ask(
        self, method: str, path: str, body: bytes | None = None, deadline: float | None = None
    ) -> Any: ...


@dataclass(frozen=True, slots=True)
class Request:
    """To `/v1/<path>`."""

    method: str
    path: str
    body: bytes | None


class Vault:
    """A Vault or OpenBao server: where it is, how much it takes at once, how long it may take. Thread-safe.

    `batch_items` is how many items with a context fit into one request: 240 for OpenBao's default limit of
    1,000 JSON strings, more where the listener allows more. `operations` are done at once, each over four
    connections at most. `total_s` bounds one operation with all its requests; inside it every read is bounded by
    `read_s`. Redirects are never followed: they would carry values and a token along.
    """

    def __init__(
        self,
        addr: str,
        *,
        ca_file: Path | None = None,
        batch_items: int = 240,
        operations: int = 16,
        connect_s: float = 1.0,
        read_s: float = 5.0,
        total_s: float = 20.0,
    ) -> None:
        if batch_items < 1 or operations < 1:
            raise ValueError("batch_items and operations are at least 1")
        self.addr = addr
        self.batch_items = min(batch_items, LONGEST_ARRAY)
        self._connect_s, self._read_s, self._total_s = connect_s, read_s, total_s
        at = urlsplit(addr)
        self._base = at.path.rstrip("/") + "/v1/"
        self._host = at.netloc.rpartition("@")[2]
        self._connections = Connections(addr, ca_file)
        self._operations = threading.BoundedSemaphore(operations)

    def close(self) -> None:
        self._connections.close()

    def __enter__(self) -> Vault:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def deadline(self) -> float:
        """When an operation that starts now has to be over, on the monotonic clock."""
        return time.monotonic() + self._total_s

    def call(self, request: Request, token: str | None, deadline: float | None = None) -> tuple[int, bytes]:
        """Status and body of one request. KeysUnavailable where there is no whole answer."""
        return self.calls([request], token, deadline)[0]

    def calls(
        self, requests: Iterable[Request], token: str | None, deadline: float | None = None
    ) -> list[tuple[int, bytes]]:
        """Status and body of each request, in order. KeysUnavailable where one has no whole answer, whatever became of
        the others."""
        return [(status, data) for _, status, data in self.answers(requests, token, deadline)]

    def answers(
        self, requests: Iterable[Request], token: str | None, deadline: float | None = None
    ) -> Generator[tuple[Request, int, bytes]]:
        """Each request with its answer's status and body, in order and as they come. Some are on their way at once:
        Vault works on the first while the next are made, and on the last while the first answers are read."""
        until = self.deadline() if deadline is None else deadline
        # More threads than operations wait a moment instead of flooding Vault.
        if not self._operations.acquire(timeout=min(self._connect_s, _left(until))):
            raise KeysUnavailable("overloaded")
        try:
            yield from self._asked(requests, token, until)
        except (Unreadable, OSError, NotConnected) as error:
            raise KeysUnavailable("slow" if isinstance(error, TimeoutError) else "gone") from None
        finally:
            self._operations.release()

    def _asked(
        self, requests: Iterable[Request], token: str | None, until: float
    ) -> Generator[tuple[Request, int, bytes]]:
        asked: deque[tuple[Request, Connection]] = deque()
        try:
            for request in requests:
                if len(asked) == _AT_ONCE:
                    yield self._answer(asked, until)
                connection = self._connected(until)
                asked.append((request, connection))
                _allow(connection, until, self._read_s)
                connection.ask(self._head(request, token), request.body or b"")
            while asked:
                yield self._answer(asked, until)
        finally:
            # Their answers were not read, and must not be taken for the next one's.
            for _, connection in asked:
                connection.close()

    def _head(self, request: Request, token: str | None) -> bytes:
        lines = [
            f"{request.method} {self._base}{request.path} HTTP/1.1",
            f"Host: {self._host}",
            "X-Vault-Request: true",
            "Content-Type: application/json",
            f"Content-Length: {len(request.body or b'')}",
        ]
        if token is not None:
            lines.append(f"X-Vault-Token: {token}")
        # None of them may begin another: a path or a token with a space or a line's end in it is none.
        if " " in request.path or not all(line.isascii() and line.isprintable() for line in lines):
            raise ValueError("this cannot be asked of Vault")
        return "\r\n".join([*lines, "\r\n"]).encode("ascii")

    def _connected(self, until: float) -> Connection:
        try:
            return self._connections.take(min(self._connect_s, _left(until)))
        except NotConnected:
            # As while a node restarts. Nothing was sent: repeating cannot do anything twice.
            time.sleep(_REFUSED_PAUSE_S)
            return self._connections.take(min(self._connect_s, _left(until)))

    def _answer(self, asked: deque[tuple[Request, Connection]], until: float) -> tuple[Request, int, bytes]:
        """The first that was asked, which is asked no more then, and the answer to it."""
        request, connection = asked[0]
        status, body = connection.answer(partial(_allow, connection, until, self._read_s))
        asked.popleft()
        self._connections.keep(connection)
        return request, status, body


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise KeysUnavailable("slow")
    return left


def _allow(connection: Connection, until: float, most_s: float) -> None:
    """How long the next read or write may take: a trickle must not last for ever."""
    connection.sock.settimeout(min(most_s, _left(until)))


def content(status: int, data: bytes) -> Any:
    """The parsed body of a success, {} where it is empty. KeyFault for a request that Vault finds wrong, and
    KeysUnavailable for everything else."""
    if 200 <= status < 300:
        try:
            return orjson.loads(data) if data else {}
        except orjson.JSONDecodeError:
            raise KeysUnavailable("garbled") from None
    if status in (400, 404, 405):
        raise KeyFault
    raise KeysUnavailable({403: "refused", 429: "overloaded", 503: "sealed"}.get(status, "failed"))
