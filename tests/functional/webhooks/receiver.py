"""A merchant's server that takes parcel events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler

from tests.in_thread import QuietHandler, ThreadedServer, in_thread
from vault_gateway.client.webhooks import ParcelEvent, verify

# What to do with a request: a status, or something of one's own with the handler.
Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass(frozen=True)
class Got:
    headers: dict[str, str]
    body: bytes

    def event(self, secret: str) -> ParcelEvent:
        return verify(self.body, self.headers, secret)


class Receiver(ThreadedServer):
    block_on_close = False

    def __init__(self) -> None:
        self.answer: Answer = status(204)
        self.got: list[Got] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/parcels?of=tea"

    def handle_error(self, request: object, client_address: object) -> None:
        """A sender that hangs up is what some tests want."""


class _Handler(QuietHandler):
    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, Receiver)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server.got.append(Got(dict(self.headers.items()), body))
        server.answer(self)

    def do_GET(self) -> None:
        """Nobody asks so: whoever follows a redirect would."""
        self.do_POST()


def status(code: int, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()

    return answer


@contextmanager
def receiving() -> Iterator[Receiver]:
    with in_thread(Receiver()) as receiver:
        yield receiver
