"""Stands between the gateway and a real Vault and breaks chosen answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import urllib3

from tests.in_thread import QuietHandler, ThreadedServer, in_thread

TRANSIT = "/v1/transit/"


class FaultyProxy(ThreadedServer):
    """Passes `healthy` transit requests and then breaks the others by `fault`. Logins always pass."""

    def __init__(self, target: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target = target
        self.fault = "none"
        self.healthy = 0
        self.paths: list[str] = []
        self.tokens: set[str] = set()
        # Called while a transit request waits, before it is passed on.
        self.on_transit: Callable[[], None] | None = None
        self.pool = urllib3.PoolManager(maxsize=8)

    @property
    def addr(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def break_after(self, healthy: int, fault: str) -> None:
        self.healthy, self.fault = healthy, fault

    def logins(self) -> int:
        return sum(path.endswith("/login") for path in self.paths)


class _Handler(QuietHandler):
    protocol_version = "HTTP/1.1"
    server: FaultyProxy

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.server.paths.append(self.path)
        if self.server.on_transit is not None and self.path.startswith(TRANSIT):
            self.server.on_transit()
        fault = self._fault()
        if fault == "cut":
            self.connection.close()
            self.close_connection = True
        elif fault == "hang":
            time.sleep(1.5)
            self.close_connection = True
        elif fault == "trickle":
            self._trickle()
        elif fault == "garbage":
            self._answer(200, b'{"data": "' + body)
        elif fault == "redirect":
            self._answer(307, body, location=f"{self.server.target}{self.path}")
        elif fault.isdigit():
            # As a server does that quotes what it was asked.
            self._answer(int(fault), b'{"errors":["cannot do ' + body.replace(b'"', b"'") + b'"]}')
        else:
            self._forward(body, fault)

    do_GET = do_PUT = do_POST

    def _fault(self) -> str:
        if not self.path.startswith(TRANSIT) or self.server.fault == "none":
            return "none"
        if self.server.healthy > 0:
            self.server.healthy -= 1
            return "none"
        return self.server.fault

    def _forward(self, body: bytes, fault: str) -> None:
        token = self.headers.get("X-Vault-Token")
        if token:
            self.server.tokens.add(token)
        answer = self.server.pool.request(
            self.command,
            self.server.target + self.path,
            body=body,
            headers={"X-Vault-Token": token} if token else {},
        )
        data = answer.data
        if fault == "short":
            data = b'{"data":{"batch_results":[]}}'
        elif fault == "odd items":
            data = b'{"data":{"batch_results":[%b]}}' % b",".join([b'{"odd":1}'] * data.count(b"key_version"))
        self._answer(answer.status, data)

    def _trickle(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        for _ in range(20):
            try:
                self.wfile.write(b" ")
            except OSError:
                break
            time.sleep(0.1)
        self.close_connection = True

    def _answer(self, status: int, data: bytes, location: str | None = None) -> None:
        self.send_response(status)
        if location is not None:
            self.send_header("Location", location)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def faulty_proxy(target: str) -> Iterator[FaultyProxy]:
    with in_thread(FaultyProxy(target)) as proxy:
        try:
            yield proxy
        finally:
            proxy.pool.clear()
