"""Stands between a gateway and the real PostgreSQL: goes away, or cuts the line at the moment of a commit."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg.conninfo import conninfo_to_dict, make_conninfo

_COMMIT = b"COMMIT\x00"
_EVENT = b"insert into audit_event"


class DatabaseProxy:
    """`fault` is one of

    A commit is one on a line that carried the row of a new event: housekeeping in the background commits too.

    - `none`: everything passes;
    - `gone`: open lines are cut and new ones refused;
    - `cut before commit`: the next commit never arrives;
    - `cut after commit`: the next commit is done, and its answer is lost;
    - `hold after commit`: the same, and the line stays open; `held` tells when it is done.
    """

    def __init__(self, conninfo: str) -> None:
        parts = conninfo_to_dict(conninfo)
        self._target = f"{parts['host']}/.s.PGSQL.{parts['port']}"
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self.conninfo = make_conninfo(
            conninfo, host="127.0.0.1", port=port, sslmode="disable", gssencmode="disable"
        )
        self.fault = "none"
        self.held = threading.Event()
        self._lines: set[socket.socket] = set()

    def go_away(self) -> None:
        self.fault = "gone"
        for line in list(self._lines):
            _close(line)

    def serve(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self.fault == "gone":
                near.close()
                continue
            far = socket.socket(socket.AF_UNIX)
            far.connect(self._target)
            self._lines |= {near, far}
            swallow = threading.Event()
            threading.Thread(target=self._requests, args=(near, far, swallow), daemon=True).start()
            threading.Thread(target=self._answers, args=(near, far, swallow), daemon=True).start()

    def _requests(self, near: socket.socket, far: socket.socket, swallow: threading.Event) -> None:
        meant = False
        with contextlib.suppress(OSError):
            while data := near.recv(1 << 16):
                meant = meant or _EVENT in data
                if meant and _COMMIT in data and self.fault in ("cut after commit", "hold after commit"):
                    swallow.set()
                if meant and _COMMIT in data and self.fault == "cut before commit":
                    self.fault = "none"
                    break
                far.sendall(data)
        self._forget(near, far)

    def _answers(self, near: socket.socket, far: socket.socket, swallow: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := far.recv(1 << 16):
                if swallow.is_set():
                    held, self.fault = self.fault == "hold after commit", "none"
                    self.held.set()
                    if held:
                        continue
                    break
                near.sendall(data)
        self._forget(near, far)

    def _forget(self, *lines: socket.socket) -> None:
        for line in lines:
            self._lines.discard(line)
            _close(line)

    def close(self) -> None:
        _close(self._listener)
        self.go_away()


def _close(line: socket.socket) -> None:
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
    line.close()


@contextmanager
def database_proxy(conninfo: str) -> Iterator[DatabaseProxy]:
    proxy = DatabaseProxy(conninfo)
    threading.Thread(target=proxy.serve, daemon=True).start()
    try:
        yield proxy
    finally:
        proxy.close()
