"""Stands between the gateway and an engine and holds one message, so that a process can be killed at a known step."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

CHUNK = 1 << 16


class HoldingProxy:
    """Passes bytes both ways. Requests with `marker` in them are counted; once `hold` is called, the n-th from then
    on and all after it are kept back, or (`answer`) are passed on and their answers kept back: for good, until the
    client is gone."""

    def __init__(self, connect: Callable[[], socket.socket], marker: bytes) -> None:
        self._connect = connect
        self._marker = marker
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._nth: int | None = None
        self._keep_answer = False
        self.on_request: Callable[[], None] = lambda: None
        self.seen = 0
        self.passed = 0
        self.reached = threading.Event()
        self._clients: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def count(self) -> None:
        """From here on, and hold nothing."""
        self._begin(None, answer=False)

    def hold(self, nth: int, *, answer: bool) -> None:
        self._begin(nth, answer=answer)

    def _begin(self, nth: int | None, *, answer: bool) -> None:
        with self._lock:
            self._nth, self._keep_answer = nth, answer
            self.seen = self.passed = 0
            self.reached.clear()

    def close(self) -> None:
        _end(self._listener)
        # Clients keep theirs open for the next request.
        for client in self._clients:
            _end(client)
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._clients.append(client)
            connection = _Connection(self, client, self._connect())
            self._threads.append(threading.Thread(target=connection.run, daemon=True))
            self._threads[-1].start()

    def keeps(self, data: bytes) -> str:
        """What becomes of a request: `pass`, `keep` it, or `keep answer`."""
        if self._marker not in data:
            return "pass"
        self.on_request()
        with self._lock:
            self.seen += 1
            if self._nth is None or self.seen < self._nth:
                self.passed += 1
                return "pass"
            if self._keep_answer:
                self.passed += 1
            return "keep answer" if self._keep_answer else "keep"


class _Connection:
    def __init__(self, proxy: HoldingProxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy, self._client, self._server = proxy, client, server
        self._kept = self._answer_kept = False

    def run(self) -> None:
        with self._client, self._server:
            answers = threading.Thread(target=self._answers, daemon=True)
            answers.start()
            self._requests()
            # The client is gone: the engine sees its connection end, as it would without us.
            _end(self._server)
            answers.join(10)

    def _requests(self) -> None:
        try:
            while data := self._client.recv(CHUNK):
                what = self._proxy.keeps(data)
                if what == "keep answer":
                    self._answer_kept = True
                if what == "keep":
                    self._kept = True
                    self._proxy.reached.set()
                if not self._kept:
                    self._server.sendall(data)
        except OSError:
            pass

    def _answers(self) -> None:
        try:
            while data := self._server.recv(CHUNK):
                if self._answer_kept:
                    self._proxy.reached.set()
                else:
                    self._client.sendall(data)
        except OSError:
            pass
        _end(self._client)


def _end(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


@contextmanager
def holding_proxy(connect: Callable[[], socket.socket], marker: bytes) -> Iterator[HoldingProxy]:
    proxy = HoldingProxy(connect, marker)
    try:
        yield proxy
    finally:
        proxy.close()
