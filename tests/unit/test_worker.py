"""A thread stays with its connection while the caller soon asks again, and nobody waits for it meanwhile."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.glogging import Logger

from vault_gateway.worker import BoundedConnection, Worker

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def answers(_environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    start("200 OK", [("Content-Length", "2")])
    return [b"ok"]


@pytest.fixture
def worker() -> Iterator[Worker]:
    config = Config()
    config.set("threads", 2)
    made = Worker(0, os.getppid(), [], None, 30, config, Logger(config))
    made.wsgi, made.alive, made.nr_conns = answers, True, 1
    yield made
    made.tmp.close()


@pytest.fixture
def caller() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The caller's end and the worker's."""
    theirs, ours = socket.socketpair()
    with theirs, ours:
        theirs.settimeout(5)
        yield theirs, ours


def connection(worker: Worker, ours: socket.socket) -> BoundedConnection:
    conn = BoundedConnection(worker.cfg, ours, ("127.0.0.1", 1), ("127.0.0.1", 2))
    conn.init()
    return conn


def test_who_asks_again_is_served_again_at_once(
    worker: Worker, caller: tuple[socket.socket, socket.socket]
) -> None:
    theirs, ours = caller
    theirs.sendall(REQUEST * 3)
    assert worker.handle(connection(worker, ours)) is True, "the connection is kept by whoever called"
    assert theirs.recv(65536).count(b"HTTP/1.1 200 OK") == 3


@pytest.mark.parametrize(("connections", "alive"), [(3, True), (1, False)], ids=["others wait", "stopping"])
def test_a_thread_that_is_wanted_elsewhere_does_not_stay(
    worker: Worker, caller: tuple[socket.socket, socket.socket], connections: int, alive: bool
) -> None:
    theirs, ours = caller
    conn = connection(worker, ours)
    theirs.sendall(REQUEST)
    assert worker._asks_again(conn)
    worker.nr_conns, worker.alive = connections, alive
    assert not worker._asks_again(conn)


def test_who_stays_silent_is_left_soon(worker: Worker, caller: tuple[socket.socket, socket.socket]) -> None:
    assert not worker._asks_again(connection(worker, caller[1]))


def test_a_request_that_was_read_with_the_one_before_is_not_waited_for(
    worker: Worker, caller: tuple[socket.socket, socket.socket]
) -> None:
    conn = connection(worker, caller[1])
    conn.parser.unreader.unread(REQUEST)
    assert worker._asks_again(conn)


def test_a_worker_whose_master_is_gone_keeps_nothing(worker: Worker) -> None:
    assert worker.is_parent_alive()
    worker.ppid = 1
    assert not worker.is_parent_alive()
    assert not worker.alive
