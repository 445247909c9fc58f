"""gunicorn's worker of threads, for values that must not leak and callers that are slow on purpose.

gunicorn's own error pages and its log repeat what it could not parse, and its threads wait for ever for the
rest of a request.
"""

from __future__ import annotations

import errno
import select
import signal
import socket
import threading
import time
from typing import Any

import orjson
import structlog
from gunicorn.http import errors as http
from gunicorn.workers.gthread import TConn, ThreadWorker

from vault_gateway.errors import problem

log = structlog.get_logger("vault_gateway.http")

# From the first byte of a request to its last; a thread waits no longer for either.
HEAD_WITHIN_S = 5.0
REQUEST_WITHIN_S = 30.0
# Long enough for a caller who goes on at once, and what a new connection may have to wait when all threads stay.
SOON_S = 0.01

_PHRASES = {
    400: "Bad Request",
    414: "URI Too Long",
    417: "Expectation Failed",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    501: "Not Implemented",
}


class BoundedSocket:
    """A client's socket whose reads and writes end by a deadline, however slowly the bytes trickle."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._until = 0.0

    def bound(self, within_s: float) -> None:
        self._until = time.monotonic() + within_s

    def recv(self, *arguments: Any) -> bytes:
        left = self._until - time.monotonic()
        try:
            if left <= 0:
                raise TimeoutError
            self._sock.settimeout(left)
            return self._sock.recv(*arguments)
        except TimeoutError:
            # To everything above the caller has hung up, and that is what happens next.
            raise ConnectionResetError(errno.ECONNRESET, "too slow") from None

    def sendall(self, data: bytes) -> None:
        self._sock.settimeout(REQUEST_WITHIN_S)
        try:
            self._sock.sendall(data)
        except TimeoutError:
            raise BrokenPipeError(errno.EPIPE, "too slow") from None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class BoundedConnection(TConn):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn calls `init` whenever a thread is about to read a request from it."""

    def __init__(self, cfg: Any, sock: socket.socket, client: Any, server: Any) -> None:
        super().__init__(cfg, BoundedSocket(sock), client, server)

    def init(self) -> None:
        self.sock.bound(HEAD_WITHIN_S)
        super().init()


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """What gunicorn cannot read is answered and logged by its kind alone."""

    def init_signals(self) -> None:
        super().init_signals()
        signal.signal(signal.SIGHUP, self.handle_hup)
        signal.siginterrupt(signal.SIGHUP, False)

    def handle_hup(self, _number: int, _frame: Any) -> None:
        """The master has new policies. Beside the main thread: that one accepts connections, and may hold a lock
        that is needed here."""
        threading.Thread(target=self.app.take_policies, name="policies", daemon=True).start()

    def is_parent_alive(self) -> bool:
        """Without a master the worker ends as at a signal: what it would keep open, it closes. Else it holds the port
        for longer than the next master tries to have it."""
        if not super().is_parent_alive():
            self.alive = False
        return bool(self.alive)

    def accept(self, listener: Any) -> None:
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.ECONNABORTED):
                raise
            return
        self.nr_conns += 1
        self.enqueue_req(BoundedConnection(self.cfg, client, address, listener.getsockname()))

    def handle(self, conn: BoundedConnection) -> Any:
        """A caller who soon asks again is served by the thread that it had. To give the connection back to the main
        thread and to be called by it again takes as long as a small request, and longer while threads compute."""
        while (kept := super().handle(conn)) is True and self._asks_again(conn):
            pass
        return kept

    def _asks_again(self, conn: BoundedConnection) -> bool:
        """Only while each connection can have a thread: nobody else waits for this one then."""
        if not self.alive or self.nr_conns > self.cfg.threads:
            return False
        if conn.parser.unreader.buf.getvalue():
            return True
        poll = select.poll()
        poll.register(conn.sock, select.POLLIN)
        return bool(poll.poll(SOON_S * 1000))

    def handle_request(self, req: Any, conn: BoundedConnection) -> Any:
        # The head is here: what is left of the request has the rest of the time.
        conn.sock.bound(REQUEST_WITHIN_S - HEAD_WITHIN_S)
        return super().handle_request(req, conn)

    def handle_error(self, _req: Any, client: Any, _addr: Any, exc: Exception) -> None:
        status, code = _answer(exc)
        if status == 500:
            log.error("unexpected error", kind=type(exc).__name__)
        else:
            log.info("unreadable request", kind=type(exc).__name__, status=status)
        try:
            client.sendall(_page(status, code))
        except OSError:
            log.debug("the caller has gone")


def _answer(error: Exception) -> tuple[int, str]:
    if isinstance(error, http.LimitRequestLine):
        return 414, "uri_too_long"
    if isinstance(error, http.LimitRequestHeaders):
        return 431, "headers_too_large"
    if isinstance(error, http.UnsupportedTransferCoding):
        return 501, "transfer_coding_unsupported"
    if isinstance(error, http.ExpectationFailed):
        return 417, "expectation_failed"
    if isinstance(error, http.ParseException | OSError):
        return 400, "bad_request"
    return 500, "internal"


def _page(status: int, code: str) -> bytes:
    """`application/problem+json` like every other error; there is no request id, for no request was read."""
    detail = "The request cannot be read as HTTP/1.1." if status < 500 else "The request failed."
    body = orjson.dumps(problem(code, status, detail, ""))
    head = (
        f"HTTP/1.1 {status} {_PHRASES[status]}\r\nConnection: close\r\nCache-Control: no-store\r\n"
        f"Content-Type: application/problem+json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("ascii") + body
