"""What gunicorn itself answers: nothing that was sent comes back or reaches a log, and nobody waits for the slow."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Iterator

import orjson
import pytest
import urllib3

from tests import canaries
from tests.functional.embedded.installation import call
from tests.functional.serve.clients import add
from tests.functional.serve.conftest import Outside
from tests.functional.serve.served import Served, serving
from tests.world import unique
from vault_gateway import worker


@pytest.fixture(scope="module")
def served(outside_engines: Outside) -> Iterator[Served]:
    with serving(outside_engines, VAULT_GATEWAY_THREADS="2") as served:
        yield served


def sent(port: int, request: bytes, *, and_no_more: bool = False) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as conn:
        conn.sendall(request)
        if and_no_more:
            conn.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := conn.recv(65536):
            answer += chunk
        return answer


PHONE = canaries.person().e164.encode()


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"%s\r\n\r\n" % PHONE, 400),
        (b"GET /v1/tokens/%s HTTP/9.9\r\n\r\n" % PHONE, 400),
        (b"g%st / HTTP/1.1\r\n\r\n" % PHONE, 400),
        (b"GET /%s HTTP/1.1\r\n\r\n" % (PHONE * 1000), 414),
        (b"GET / HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n" % PHONE, 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA(%s): 1\r\n\r\n" % PHONE, 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: %s\r\n\r\n" % (PHONE * 1000), 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\n%s\r\n" % (b"A: %s\r\n" % PHONE * 100), 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: %s\r\n\r\n" % PHONE, 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: %s\r\n\r\n" % PHONE, 501),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nExpect: %s\r\n\r\n" % PHONE, 417),
        (b"%s /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % PHONE[1:], 404),
        (b"GET /v1//tokens/%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % PHONE, 404),
        (b"GET //v1/tokens/%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % PHONE, 404),
    ],
    ids=[
        "line", "version", "method", "long-path", "no-colon", "header-name", "long-header", "many-headers",
        "length", "coding", "smuggling", "expect", "any-word", "slashes",
        "slashes-first",
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_not_repeated(served: Served, request_: bytes, status: int) -> None:
    answer = sent(served.port, request_)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), answer[:200]
    assert b"application/problem+json" in head
    assert orjson.loads(body)["status"] == status
    assert PHONE not in answer
    assert PHONE.lstrip(b"+") not in answer
    log = served.log.read_bytes()
    assert PHONE not in log
    assert b"Traceback" not in log


@pytest.mark.parametrize(
    "chunks",
    [
        b"%s\r\n" % PHONE,
        b"-5\r\nabcde\r\n",
        b"0x5\r\nabcde\r\n",
        b"5\r\nabcde%s\r\n" % PHONE,
        b"2\r\n{}\r\n0\r\nAuthorization: %s\r\n\r\n" % PHONE,
    ],
    ids=["no-size", "negative", "hexadecimal", "longer", "trailer"],
)
def test_a_body_in_broken_chunks_is_the_callers_fault(
    served: Served, outside_engines: Outside, chunks: bytes
) -> None:
    key = add(outside_engines, unique("chunks"), "merchant", "--platform", "douyin", "--merchant", "tea")
    head = (
        f"POST /v1/tokens HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    # Where the body ends nobody knows: what follows is no request.
    answer = sent(served.port, head.encode() + chunks + b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in answer
    assert b'"code":"bad_request"' in answer
    assert PHONE not in answer
    log = served.log.read_text()
    assert "unexpected error" not in log
    assert PHONE.decode() not in log


@pytest.mark.parametrize(
    "came", [b'{"items": [{"kind": "name", "value": "A"}]}', b""], ids=["most", "nothing"]
)
def test_a_body_cut_short_is_not_taken_for_the_whole(
    served: Served, outside_engines: Outside, came: bytes
) -> None:
    key = add(outside_engines, unique("cut"), "merchant", "--platform", "douyin", "--merchant", "tea")
    head = (
        f"POST /v1/tokens HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(came) + 3}\r\n\r\n"
    )
    # As of a caller whose process was killed, but that hears what it would have been answered.
    answer = sent(served.port, head.encode() + came, and_no_more=True)
    assert answer.startswith(b"HTTP/1.1 400 "), answer
    assert b'"code":"bad_request"' in answer


def test_slow_callers_are_dropped_and_others_served(served: Served, outside_engines: Outside) -> None:
    slow = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(4)]
    try:
        for conn in slow:
            conn.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
        begun = time.monotonic()
        answer = urllib3.request("GET", f"{served.url}/healthz", timeout=60, headers={"Connection": "close"})
        assert answer.status == 200
        # Two turns of two threads. Which connection gets which turn, and of which worker, is nobody's to say: the
        # answer may come at once, and the slow ones are let go when each one's own turn is over.
        all_over = begun + 2 * worker.HEAD_WITHIN_S + 5
        assert time.monotonic() < all_over
        for conn in slow:
            conn.settimeout(all_over - time.monotonic())
            assert conn.recv(100) == b""
    finally:
        for conn in slow:
            conn.close()


def test_a_caller_that_hangs_up_in_its_body_is_no_error(served: Served, outside_engines: Outside) -> None:
    key = add(outside_engines, "hangs-up", "merchant", "--platform", "douyin", "--merchant", "tea")
    head = f"POST /v1/tokens HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
    head += "Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n"
    for _ in range(4):
        with socket.create_connection(("127.0.0.1", served.port)) as conn:
            conn.sendall(head.encode() + b'{"items": [')
    time.sleep(0.3)
    items = {"items": canaries.items_of(canaries.person())}
    assert call(served.url, key, "POST", "/v1/tokens", items)[0] == 201
    log = served.log.read_text()
    assert "Traceback" not in log
    assert "unexpected error" not in log


def test_a_request_that_has_begun_is_finished_when_the_server_stops(outside_engines: Outside) -> None:
    key = add(outside_engines, "in-flight", "merchant", "--platform", "douyin", "--merchant", "tea")
    body = orjson.dumps({"items": canaries.items_of(canaries.person())})
    head = f"POST /v1/tokens HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with (
        serving(outside_engines) as served,
        socket.create_connection(("127.0.0.1", served.port), timeout=20) as conn,
    ):
        conn.sendall(head.encode() + body[:20])
        time.sleep(0.3)
        served.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        conn.sendall(body[20:])
        assert conn.recv(100).startswith(b"HTTP/1.1 201 ")
        assert served.process.wait(15) == 0
