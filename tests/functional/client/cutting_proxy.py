"""Stands between a client and a real gateway and cuts the connection, before or after the gateway has answered."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager

import urllib3

from tests.in_thread import QuietHandler, ThreadedServer, in_thread


class CuttingProxy(ThreadedServer):
    """`lose` answers are swallowed after the gateway gave them; `halve` are cut in the middle. `seen` has each
    request's method, path, Idempotency-Key and body."""

    def __init__(self, target: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target = target
        self.lose = 0
        self.halve = 0
        self.seen: list[tuple[str, str, str | None, bytes]] = []
        self.pool = urllib3.PoolManager(maxsize=8)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(QuietHandler):
    protocol_version = "HTTP/1.1"
    server: CuttingProxy

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append((self.command, self.path, self.headers.get("Idempotency-Key"), body))
        headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        answer = self.server.pool.request(
            self.command, self.server.target + self.path, body=body, headers=headers, retries=False
        )
        data = answer.data
        if self.server.lose:
            self.server.lose -= 1
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name in ("Content-Type", "Retry-After"):
            if name in answer.headers:
                self.send_header(name, answer.headers[name])
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.server.halve:
            self.server.halve -= 1
            data = data[: len(data) // 2]
            self.close_connection = True
        with contextlib.suppress(OSError):
            self.wfile.write(data)

    do_GET = do_POST = do_PATCH = do_DELETE = _pass


@contextmanager
def cutting_proxy(target: str) -> Iterator[CuttingProxy]:
    with in_thread(CuttingProxy(target)) as proxy:
        try:
            yield proxy
        finally:
            proxy.pool.clear()
