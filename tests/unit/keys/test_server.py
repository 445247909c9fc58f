"""Which requests are on their way together, what is repeated, and what an answer means."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.in_thread import QuietHandler, ThreadedServer
from vault_gateway.keys import KeyFault, KeysUnavailable, Vault
from vault_gateway.keys.server import Request, content


class Server(ThreadedServer):
    """Answers each request with its own body, after `before` it."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.before: Callable[[_Handler], object] = lambda _: None
        self.requests = 0
        self.connections: list[socket.socket] = []
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def vault(self, operations: int = 16) -> Vault:
        return Vault(f"http://127.0.0.1:{self.server_port}", operations=operations, connect_s=5, total_s=10)


class _Handler(QuietHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def setup(self) -> None:
        super().setup()
        self.server.connections.append(self.connection)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests += 1
        self.server.before(self)
        if not self.close_connection:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running
        running.shutdown()


def of(*bodies: bytes) -> list[Request]:
    return [Request("POST", "transit/encrypt/phone-x", body) for body in bodies]


X = of(b"x")[0]


def test_requests_of_one_operation_are_on_their_way_together(server: Server) -> None:
    all_here = threading.Barrier(4, timeout=5)
    server.before = lambda _: all_here.wait()
    bodies = [b"a", b"b", b"c", b"d"]
    assert server.vault().calls(of(*bodies), None) == [(200, body) for body in bodies]


def test_any_number_of_requests_and_threads_take_a_few_connections(server: Server) -> None:
    vault, bodies = server.vault(operations=2), [str(number).encode() for number in range(9)]
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: vault.calls(of(*bodies), None), range(8)))
    assert answers == [[(200, body) for body in bodies]] * 8
    assert len(server.connections) <= 2 * 4


def test_a_connection_that_vault_has_closed_is_not_asked(server: Server) -> None:
    vault = server.vault()
    for _ in range(3):
        assert vault.call(X, None) == (200, b"x")
        server.connections[-1].shutdown(socket.SHUT_RDWR)
        time.sleep(0.05)
    assert server.requests == len(server.connections) == 3


def test_one_cut_answer_fails_all_and_leaves_no_connection_behind(server: Server) -> None:
    def cut_the_second(handler: _Handler) -> None:
        handler.close_connection = server.requests == 2

    server.before = cut_the_second
    vault = server.vault()
    with pytest.raises(KeysUnavailable, match="gone"):
        vault.calls(of(b"a", b"b", b"c"), None)
    # An answer that nobody read must not be taken for the next one's.
    bodies = [b"d", b"e", b"f"]
    assert vault.calls(of(*bodies), None) == [(200, body) for body in bodies]


def test_a_refused_connection_is_tried_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    started: list[Server] = []
    monkeypatch.setattr("vault_gateway.keys.server.time.sleep", lambda _: started.append(Server(port)))
    assert Vault(f"http://127.0.0.1:{port}").call(X, None) == (200, b"x")
    [server] = started
    server.shutdown()
    server.server_close()


def test_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    pauses: list[float] = []
    monkeypatch.setattr("vault_gateway.keys.server.time.sleep", pauses.append)
    with pytest.raises(KeysUnavailable, match="gone"):
        Vault(f"http://127.0.0.1:{port}").call(X, None)
    assert len(pauses) == 1


def test_what_may_have_been_sent_is_not_repeated(server: Server) -> None:
    server.before = lambda handler: setattr(handler, "close_connection", True)
    with pytest.raises(KeysUnavailable, match="gone"):
        server.vault().call(X, None)
    assert server.requests == 1


@pytest.mark.parametrize("addr", ["127.0.0.1:8200", "ftp://127.0.0.1", "http://", "https://münchen.example"])
def test_an_address_names_its_scheme_and_host(addr: str) -> None:
    with pytest.raises(ValueError, match="http://HOST:PORT"):
        Vault(addr)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (403, "refused"),
        (429, "overloaded"),
        (503, "sealed"),
        (500, "failed"),
        (307, "failed"),
        (418, "failed"),
    ],
)
def test_a_failure_has_one_word(status: int, reason: str) -> None:
    with pytest.raises(KeysUnavailable) as caught:
        content(status, b'{"errors":["a value"]}')
    assert caught.value.reason == reason
    assert caught.value.args == (reason,)


@pytest.mark.parametrize("status", [400, 404, 405])
def test_a_wrong_request_is_a_fault(status: int) -> None:
    with pytest.raises(KeyFault):
        content(status, b"{}")


def test_an_empty_success_is_an_empty_object() -> None:
    assert content(204, b"") == {}
    assert content(200, b'{"a":1}') == {"a": 1}
