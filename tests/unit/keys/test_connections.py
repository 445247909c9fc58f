"""Whole answers are taken however they come; anything else is none, and its connection is not used again."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from vault_gateway.keys import KeysUnavailable, Vault
from vault_gateway.keys.server import Request

OK = b"HTTP/1.1 200 OK\r\n"
X = Request("POST", "transit/x", b"{}")


@contextmanager
def answering(*pieces: bytes, hang_up: bool = False) -> Iterator[tuple[Vault, list[socket.socket]]]:
    """A server that answers each request with these pieces, one packet each, and who came to it."""
    came: list[socket.socket] = []

    def serve(conn: socket.socket) -> None:
        with conn:
            while conn.recv(65536):
                for piece in pieces:
                    conn.sendall(piece)
                if hang_up:
                    return

    def accept() -> None:
        while True:
            try:
                conn, _ = server.accept()
            except OSError:
                return
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            came.append(conn)
            threading.Thread(target=serve, args=(conn,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=accept, daemon=True).start()
        with Vault(f"http://127.0.0.1:{server.getsockname()[1]}", read_s=1) as vault:
            yield vault, came
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("pieces", "kept"),
    [
        ([OK + b"Content-Length: 2\r\n\r\n{}"], True),
        ([bytes([byte]) for byte in OK + b"content-length: 2\r\n\r\n{}"], True),
        ([OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n{\r\n", b"1;x=y\r\n}\r\n", b"0\r\n\r\n"], True),
        ([OK + b"Content-Length: 2\r\nConnection: close\r\n\r\n{}"], False),
        ([b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}"], False),
    ],
    ids=["whole", "byte by byte", "in chunks", "closing", "old"],
)
def test_a_whole_answer_is_read(pieces: list[bytes], kept: bool) -> None:
    with answering(*pieces) as (vault, came):
        for _ in range(3):
            assert vault.call(X, "t") == (200, b"{}")
        assert len(came) == (1 if kept else 3)


def test_an_answer_without_a_body_is_read() -> None:
    with answering(b"HTTP/1.1 204 No Content\r\n\r\n") as (vault, came):
        assert [vault.call(X, None) for _ in range(2)] == [(204, b"")] * 2
        assert len(came) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"nothing of the kind\r\n\r\n",
        OK + b"Content-Length: 2\r\n\r\n{}" + OK + b"Content-Length: 2\r\n\r\n{}",
        OK + b"Content-Length: 2\r\n\r\n{}and more",
        OK + b"Content-Length: 9\r\n\r\n{}",
        OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        OK + b"Transfer-Encoding: chunked\r\n\r\nz\r\n{}\r\n0\r\n\r\n",
        OK + b"\r\n{}",
        OK + b"Content-Len",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\n{}",
        b"",
    ],
    ids=[
        "no HTTP",
        "two",
        "more",
        "cut",
        "two lengths",
        "a bad chunk",
        "no length",
        "half a head",
        "another protocol",
        "an interim one",
        "nothing",
    ],
)
def test_anything_else_is_no_answer_and_leaves_no_connection_behind(answer: bytes) -> None:
    with answering(answer, hang_up=True) as (vault, came):
        for _ in range(2):
            with pytest.raises(KeysUnavailable, match="gone"):
                vault.call(X, None)
        assert len(came) == 2


def test_an_answer_in_between_is_not_taken_for_one_and_the_late_one_not_for_the_nexts() -> None:
    with answering(b"HTTP/1.1 103 Early Hints\r\n\r\n") as (vault, came):
        for _ in range(2):
            with pytest.raises(KeysUnavailable, match="gone"):
                vault.call(X, None)
        assert len(came) == 2


def test_an_answer_that_does_not_end_is_waited_for_no_longer_than_a_read_may_take() -> None:
    with (
        answering(OK + b"Content-Length: 9\r\n\r\n{}") as (vault, _),
        pytest.raises(KeysUnavailable, match="slow"),
    ):
        vault.call(X, None)


@pytest.mark.parametrize(
    ("path", "token"),
    [
        ("transit/x HTTP/1.1\r\nX: y", None),
        ("transit/x y", None),
        ("transit/é", None),
        ("transit/x", "t\r\nX: y"),
    ],
)
def test_no_path_and_no_token_brings_a_line_of_its_own(path: str, token: str | None) -> None:
    with answering(OK + b"Content-Length: 2\r\n\r\n{}") as (vault, _):
        with pytest.raises(ValueError, match="cannot be asked"):
            vault.call(Request("POST", path, b"{}"), token)
        assert vault.call(X, "t") == (200, b"{}")
