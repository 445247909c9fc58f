"""Connections that are kept: by the thread that served them as long as each can have one, by the main thread beyond."""

from __future__ import annotations

import http.client
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.functional.serve.conftest import Outside
from tests.functional.serve.served import Served, serving

REQUEST = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def served(outside_engines: Outside) -> Iterator[Served]:
    with serving(outside_engines, VAULT_GATEWAY_THREADS="2") as served:
        yield served


def asks(conn: http.client.HTTPConnection) -> int:
    conn.request("GET", "/healthz")
    answer = conn.getresponse()
    answer.read()
    return answer.status


@pytest.mark.parametrize("connections", [1, 2, 3, 9])
def test_each_of_any_number_of_connections_is_served_again_and_again(
    served: Served, connections: int
) -> None:
    kept = [http.client.HTTPConnection("127.0.0.1", served.port, timeout=10) for _ in range(connections)]
    try:
        for _ in range(30):
            assert {asks(conn) for conn in kept} == {200}
    finally:
        for conn in kept:
            conn.close()


def test_a_silent_connection_takes_no_thread_from_others(served: Served) -> None:
    silent = [http.client.HTTPConnection("127.0.0.1", served.port, timeout=10) for _ in range(2)]
    assert [asks(conn) for conn in silent] == [200, 200]
    with closing(http.client.HTTPConnection("127.0.0.1", served.port, timeout=2)) as lively:
        assert {asks(lively) for _ in range(50)} == {200}
    assert [asks(conn) for conn in silent] == [200, 200]
    for conn in silent:
        conn.close()


def test_requests_sent_together_are_answered_in_order(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as conn:
        last = REQUEST.replace(b"Host: x", b"Host: x\r\nConnection: close")
        conn.sendall(REQUEST * 5 + REQUEST.replace(b"healthz", b"nothing-here") + last)
        answers = b""
        while chunk := conn.recv(65536):
            answers += chunk
    assert re.findall(rb"HTTP/1\.1 ([0-9]{3}) ", answers) == [b"200"] * 5 + [b"404", b"200"]


def test_a_kept_connection_does_not_hold_up_the_end(outside_engines: Outside) -> None:
    with serving(outside_engines) as served:
        conn = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
        assert asks(conn) == 200
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(15) == 0
        conn.close()


def test_a_worker_without_its_master_ends_whoever_goes_on_asking(outside_engines: Outside) -> None:
    """Else it would keep the port, and with it the old policies, from the next master."""
    with serving(outside_engines) as served:
        stop = threading.Event()

        def chatter() -> None:
            while not stop.is_set():
                with closing(http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)) as conn:
                    try:
                        while not stop.is_set():
                            asks(conn)
                    except (OSError, http.client.HTTPException):
                        time.sleep(0.05)

        chatting = [threading.Thread(target=chatter) for _ in range(3)]
        for one in chatting:
            one.start()
        try:
            workers = children_of(served.process.pid)
            served.process.kill()
            until = time.monotonic() + 8
            while any(Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() < until:
                time.sleep(0.1)
            assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]
            served.start_again()
        finally:
            stop.set()
            for one in chatting:
                one.join(15)
        with closing(http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)) as conn:
            assert asks(conn) == 200


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
