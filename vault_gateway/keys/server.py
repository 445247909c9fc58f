"""One pool of connections to Vault, and what its answers mean."""

from __future__ import annotations

import math
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol
from urllib.parse import urlsplit

import orjson
import urllib3
from urllib3.exceptions import EmptyPoolError, HTTPError, NewConnectionError

from vault_gateway.keys.errors import KeyFault, KeysUnavailable

# HashiCorp Vault takes no longer arrays, whatever its limit on a body.
LONGEST_ARRAY = 10_000
_CHUNK = 1 << 18
_REFUSED_PAUSE_S = 0.05


class Asks(Protocol):
    """Anything that sends a request to Vault under some identity and returns the parsed answer."""

    def ask(
        self, method: str, path: str, body: bytes | None = None, deadline: float | None = None
    ) -> Any: ...


class Vault:
    """A Vault or OpenBao server: where it is, how much it takes at once, how long it may take. Thread-safe.

    `batch_items` is how many items with a context fit into one request: 240 for OpenBao's default limit of
    1,000 JSON strings, more where the listener allows more. `total_s` bounds one operation with all its
    batches; inside it every read is bounded by `read_s`. Redirects are never followed: they would carry
    values and a token along.
    """

    def __init__(
        self,
        addr: str,
        *,
        ca_file: Path | None = None,
        batch_items: int = 240,
        connections: int = 16,
        connect_s: float = 1.0,
        read_s: float = 5.0,
        total_s: float = 20.0,
    ) -> None:
        if batch_items < 1 or connections < 1:
            raise ValueError("batch_items and connections are at least 1")
        self.addr = addr
        self.batch_items = min(batch_items, LONGEST_ARRAY)
        self._connect_s, self._read_s, self._total_s = connect_s, read_s, total_s
        self._base = urlsplit(addr).path.rstrip("/") + "/v1/"
        # Bounded and blocking: more threads than connections wait a moment instead of flooding Vault.
        tls = {"ca_certs": str(ca_file), "cert_reqs": "CERT_REQUIRED"} if ca_file is not None else {}
        self._pool = urllib3.connection_from_url(addr, maxsize=connections, block=True, retries=False, **tls)

    def close(self) -> None:
        self._pool.close()

    def __enter__(self) -> Vault:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def deadline(self) -> float:
        """When an operation that starts now has to be over, on the monotonic clock."""
        return time.monotonic() + self._total_s

    def call(
        self, method: str, path: str, body: bytes | None, token: str | None, deadline: float | None = None
    ) -> tuple[int, bytes]:
        """Status and body of one request to `/v1/<path>`. KeysUnavailable where there is no whole answer."""
        headers = {"X-Vault-Request": "true", "Content-Type": "application/json"}
        if token is not None:
            headers["X-Vault-Token"] = token
        until = self.deadline() if deadline is None else deadline
        try:
            return self._attempt(method, path, body, headers, until)
        except NewConnectionError:
            # Refused before a byte was sent, as while a node restarts: repeating cannot do anything twice.
            time.sleep(_REFUSED_PAUSE_S)
        except (HTTPError, OSError) as error:
            raise KeysUnavailable(_reason(error)) from None
        try:
            return self._attempt(method, path, body, headers, until)
        except (HTTPError, OSError) as error:
            raise KeysUnavailable(_reason(error)) from None

    def _attempt(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str], until: float
    ) -> tuple[int, bytes]:
        left = until - time.monotonic()
        if left <= 0:
            raise KeysUnavailable("slow")
        response = self._pool.urlopen(
            method,
            self._base + path,
            body=body,
            headers=headers,
            retries=False,
            redirect=False,
            timeout=urllib3.Timeout(connect=min(self._connect_s, left), read=min(self._read_s, left)),
            pool_timeout=math.ceil(min(self._connect_s, left)),
            preload_content=False,
        )
        try:
            return response.status, _read(response, until)
        finally:
            response.release_conn()


def _read(response: urllib3.BaseHTTPResponse, until: float) -> bytes:
    """The body in chunks: the read timeout holds for one chunk only, and a trickle must not last for ever."""
    chunks = []
    while chunk := response.read1(_CHUNK):
        chunks.append(chunk)
        if time.monotonic() > until:
            response.close()
            raise KeysUnavailable("slow")
    return b"".join(chunks)


def _reason(error: Exception) -> str:
    if isinstance(error, EmptyPoolError):
        return "overloaded"
    if isinstance(error, NewConnectionError):
        return "gone"
    return "slow" if isinstance(error, urllib3.exceptions.TimeoutError) else "gone"


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
