"""Keys are fetched from the very address that an operator gave, by TLS, in bounded time and size."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from tests.functional.identity.provider import (
    Answer,
    JwksServer,
    Provider,
    json_answer,
    serving,
)
from tests.in_thread import authority
from vault_gateway.identity import fetch as fetching
from vault_gateway.identity.fetch import JwksError, fetch, require_fetchable
from vault_gateway.outside import calling
from vault_gateway.outside.calling import Outside

BODY = Provider("https://id.example").jwks()


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return authority(tmp_path_factory.mktemp("tls"), "localhost", "idp.example")


@pytest.fixture(scope="module")
def allowed(tls: Path) -> Outside:
    """What a test's operator opened: this machine's own addresses, by the names it has here."""
    return Outside(frozenset({"127.0.0.1", "localhost", "idp.example"}), tls.with_name("ca.pem"))


@pytest.fixture(scope="module")
def server(tls: Path) -> Iterator[JwksServer]:
    with serving(json_answer(BODY), tls) as running:
        yield running


def https(server: JwksServer, host: str = "127.0.0.1", path: str = "/jwks.json?v=1") -> str:
    return f"https://{host}:{server.server_port}{path}"


def test_the_body_of_a_good_answer(server: JwksServer, allowed: Outside) -> None:
    assert fetch(https(server), allowed) == BODY
    assert server.paths[-1] == "/jwks.json?v=1"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "0", "[::ffff:127.0.0.1]", "[::1]"]
)
def test_this_machine_is_not_asked_however_it_is_written(
    server: JwksServer, allowed: Outside, host: str
) -> None:
    asked = len(server.paths)
    with pytest.raises(JwksError, match="public internet"):
        fetch(https(server, host), Outside(ca_file=allowed.ca_file))
    assert len(server.paths) == asked


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "[fe80::1]", "224.0.0.1", "0.0.0.0", "[::ffff:10.0.0.1]"]
)
def test_some_addresses_cannot_be_opened_at_all(host: str) -> None:
    with pytest.raises(JwksError, match="public internet"):
        fetch(f"https://{host}/jwks", Outside(frozenset({host.strip("[]")})))


def test_a_certificate_of_nobody_we_know_is_refused(server: JwksServer) -> None:
    with pytest.raises(JwksError, match="certificate"):
        fetch(https(server), Outside(frozenset({"127.0.0.1"})))


def test_a_certificate_of_another_name_is_refused(tmp_path: Path) -> None:
    """Signed by the authority that is trusted, for 127.0.0.1, but not for the name that was asked."""
    pem = authority(tmp_path)
    with (
        serving(json_answer(BODY), pem) as server,
        pytest.raises(JwksError, match="certificate"),
    ):
        fetch(https(server, "localhost"), Outside(frozenset({"localhost"}), tmp_path / "ca.pem"))


@pytest.mark.parametrize(
    "url",
    [
        "http://id.example/jwks",
        "ftp://id.example/jwks",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_x",
        "https://",
        "https:///jwks",
        "https://user@id.example/jwks",
        "https://user:word@id.example/jwks",
        "https://id.example/jwks#part",
        "https://id.example:0/jwks",
        "https://id.example:99999/jwks",
        "https://id.example/jw ks",
        "https://id.example/\r\nX: y",
        "https://\u0456d.example/jwks",
        "https://id.example\\@127.0.0.1/",
        "https://id_x.example/",
        "https://-id.example/",
    ],
)
def test_addresses_that_are_none(url: str) -> None:
    """Refused as text already, so that the operator hears it and nothing is looked up."""
    with pytest.raises(JwksError):
        require_fetchable(url, Outside())


def test_http_is_for_this_machine_alone_and_only_where_allowed() -> None:
    with serving(json_answer(BODY), None) as server:
        url = f"http://127.0.0.1:{server.server_port}/jwks"
        assert fetch(url, Outside(frozenset({"127.0.0.1"}))) == BODY
        with pytest.raises(JwksError, match="https only"):
            fetch(url, Outside())
    with pytest.raises(JwksError, match="https only"):
        fetch("http://10.0.0.1/jwks", Outside(frozenset({"10.0.0.1"})))


def resolving(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """A resolver whose name idp.example has another answer each time; returns the names it was asked for."""
    real = socket.getaddrinfo
    asked: list[str] = []

    def getaddrinfo(host: Any, port: Any, *more: Any, **kinds: Any) -> Any:
        if host != "idp.example":
            return real(host, port, *more, **kinds)
        asked.append(host)
        addresses = answers[min(len(asked), len(answers)) - 1]
        return [entry for address in addresses for entry in real(address, port, *more, **kinds)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def test_a_name_is_resolved_once_and_the_connection_goes_there(
    server: JwksServer, allowed: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = resolving(monkeypatch, ["127.0.0.1"], ["169.254.169.254"])
    assert fetch(https(server, "idp.example"), allowed) == BODY
    assert asked == ["idp.example"]


def test_a_name_that_turns_inside_after_it_was_judged_is_not_followed(
    server: JwksServer, allowed: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First a public address, then ours: the connection is tried at the public one, which no test can reach."""
    monkeypatch.setattr(calling, "_CONNECT_S", 0.2)
    asked = resolving(monkeypatch, ["203.0.113.7", "8.8.8.8"], ["127.0.0.1"])
    seen = len(server.paths)
    with pytest.raises(JwksError):
        fetch(https(server, "idp.example"), Outside(ca_file=allowed.ca_file))
    asked_again = resolving(monkeypatch, ["8.8.8.8"], ["127.0.0.1"])
    with pytest.raises(JwksError):
        fetch(https(server, "idp.example"), Outside(ca_file=allowed.ca_file))
    assert (asked, asked_again) == (["idp.example"], ["idp.example"])
    assert len(server.paths) == seen


def test_one_address_inside_spoils_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, ["8.8.8.8", "10.0.0.1"])
    with pytest.raises(JwksError, match="public internet"):
        fetch("https://idp.example/jwks", Outside())


def redirect(handler: BaseHTTPRequestHandler) -> None:
    if handler.path == "/there":
        json_answer(BODY)(handler)
        return
    handler.send_response(302)
    handler.send_header("Location", "/there")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def large(handler: BaseHTTPRequestHandler) -> None:
    json_answer(b" " * (fetching.MAX_BYTES + 1))(handler)


def endless_headers(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for _ in range(200):
        handler.wfile.write(b"X-A: b\r\n")
    handler.wfile.write(b"\r\n{}")


def cut_short(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(BODY) + 10))
    handler.end_headers()
    handler.wfile.write(BODY)


def compressed(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Encoding", "gzip")
    handler.end_headers()
    handler.wfile.write(BODY)


def failing(handler: BaseHTTPRequestHandler) -> None:
    handler.send_error(500)


def no_http(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"220 ready\r\n")


@pytest.mark.parametrize(
    "answer", [redirect, large, endless_headers, cut_short, compressed, failing, no_http]
)
def test_an_answer_that_is_not_as_it_should_be(answer: Answer, tls: Path, allowed: Outside) -> None:
    with serving(answer, tls) as server:
        with pytest.raises(JwksError):
            fetch(https(server), allowed)
        assert "/there" not in server.paths


def test_chunked_answers_are_read(tls: Path, allowed: Outside) -> None:
    def chunked(handler: BaseHTTPRequestHandler) -> None:
        handler.protocol_version = "HTTP/1.1"
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.send_header("Connection", "close")
        handler.end_headers()
        for piece in (BODY[:10], BODY[10:]):
            handler.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        handler.wfile.write(b"0\r\n\r\n")

    with serving(chunked, tls) as server:
        assert fetch(https(server), allowed) == BODY


def test_a_server_that_drips_is_left_at_the_deadline(
    tls: Path, allowed: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "TIMEOUT_S", 0.6)

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for _ in range(50):
            handler.wfile.write(b"X")
            time.sleep(0.05)

    with serving(drip, tls) as server:
        began = time.monotonic()
        with pytest.raises(JwksError):
            fetch(https(server), allowed)
        assert time.monotonic() - began < 2.2


def test_a_handshake_that_drips_is_left_at_the_deadline(
    allowed: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "TIMEOUT_S", 0.6)

    def drip(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            # A record of the handshake that is said to be 16 KiB long.
            for byte in b"\x16\x03\x03\x40\x00" + bytes(100):
                connection.sendall(bytes([byte]))
                time.sleep(0.05)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        dripping = threading.Thread(target=drip, args=(listener,))
        dripping.start()
        began = time.monotonic()
        with pytest.raises(JwksError):
            fetch(f"https://127.0.0.1:{listener.getsockname()[1]}/jwks", allowed)
        assert time.monotonic() - began < 2.2
        dripping.join()


def test_a_server_that_never_greets_is_left_at_the_deadline(
    allowed: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "TIMEOUT_S", 0.4)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises(JwksError):
            fetch(f"https://127.0.0.1:{silent.getsockname()[1]}/jwks", allowed)
        assert time.monotonic() - began < 2.2
