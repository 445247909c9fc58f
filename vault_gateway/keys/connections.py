"""Kept-alive connections to one server, each for one request and its answer at a time.

They let go of a request once it is sent: an operation has several on their way at once without a thread for each. The
server's answers are read by llhttp (httptools), for the standard library's client takes three times as long over a
small request and its answer (187 us of the processor's time against 54, with all that is around them).
"""

from __future__ import annotations

import select
import socket
import ssl
import weakref
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

_CHUNK = 1 << 16


class NotConnected(Exception):
    """No connection could be made, so nothing was sent."""


class Unreadable(Exception):
    """What came is no whole answer in HTTP/1.1, or more than one."""


class Connection:
    """`kept` until the server says that it closes it, or an answer was not read to its end."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.kept = True
        self._parser = HttpResponseParser(self)
        self._begun, self._whole, self._parts = 0, False, list[bytes]()

    def ask(self, head: bytes, body: bytes) -> None:
        """Together: one system call, and the server reads it once."""
        self.kept = False
        self._begun, self._whole, self._parts = 0, False, []
        self.sock.sendall(head + body)

    def answer(self, before_each_read: Callable[[], None]) -> tuple[int, bytes]:
        """Status and body. Unreadable for anything but one whole answer."""
        try:
            while not self._whole:
                before_each_read()
                data = self.sock.recv(_CHUNK)
                if not data:
                    raise Unreadable
                self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            raise Unreadable from None
        status, body = self._parser.get_status_code(), b"".join(self._parts)
        # What was decrypted is not kept until somebody asks again.
        self._parts = []
        # An answer in between is none that was asked for: the one that it announces would be taken for the next.
        if self._begun != 1 or status < 200:
            raise Unreadable
        return status, body

    # llhttp calls these by their names.

    def on_message_begin(self) -> None:
        self._begun += 1

    def on_body(self, part: bytes) -> None:
        self._parts.append(part)

    def on_message_complete(self) -> None:
        self._whole = True
        self.kept = self._parser.should_keep_alive()

    def close(self) -> None:
        self._parts = []
        self.sock.close()


class Connections:
    """As many as are taken at a time, the one used last first. Thread-safe. Proxies of the environment are not asked:
    what goes to Vault goes to Vault."""

    def __init__(self, addr: str, ca_file: Path | None) -> None:
        parts = urlsplit(addr)
        if parts.scheme not in ("http", "https") or parts.hostname is None:
            raise ValueError("an address is http://HOST:PORT or https://HOST:PORT")
        if not addr.isascii():
            raise ValueError("an address is ASCII: http://HOST:PORT with an international name as xn--...")
        self._tls = ssl.create_default_context(cafile=ca_file) if parts.scheme == "https" else None
        self._host, self._port = parts.hostname, parts.port or (443 if self._tls else 80)
        self._idle: list[Connection] = []
        # For owners that come and go without a word.
        weakref.finalize(self, _close_all, self._idle)

    def take(self, connect_s: float) -> Connection:
        """An open one, to be kept or closed by whoever takes it. TimeoutError, ssl.SSLError or NotConnected where the
        server is not to be had."""
        while (connection := _popped(self._idle)) is not None:
            if not _hung_up(connection):
                return connection
            connection.close()
        try:
            return Connection(self._connected(connect_s))
        except (TimeoutError, ssl.SSLError):
            raise
        except OSError:
            raise NotConnected from None

    def _connected(self, connect_s: float) -> socket.socket:
        sock = socket.create_connection((self._host, self._port), connect_s)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock if self._tls is None else self._tls.wrap_socket(sock, server_hostname=self._host)
        except BaseException:
            sock.close()
            raise

    def keep(self, connection: Connection) -> None:
        """One whose answer was read to its end, for others to use. Where the server has asked to close it, it is."""
        if connection.kept:
            self._idle.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        """Closes those that nobody uses."""
        _close_all(self._idle)


def _popped(idle: list[Connection]) -> Connection | None:
    try:
        return idle.pop()
    except IndexError:
        return None


def _close_all(idle: list[Connection]) -> None:
    while (connection := _popped(idle)) is not None:
        connection.close()


def _hung_up(connection: Connection) -> bool:
    """Nothing is asked of an idle one, so whatever there is to read is its end."""
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return bool(poll.poll(0))
