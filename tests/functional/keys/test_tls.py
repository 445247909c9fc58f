"""Beyond this machine Vault is spoken to by TLS, and only if its certificate is good."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.in_thread import QuietHandler, ThreadedServer, authority, in_thread
from vault_gateway.keys import Vault, health_of


class _Healthy(QuietHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")


class _Quiet(ThreadedServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up over the certificate is what the test wants."""


def health(addr: str, ca_file: Path | None = None) -> str:
    with Vault(addr, ca_file=ca_file, operations=1) as vault:
        return health_of(vault)


@pytest.fixture
def addr(tmp_path: Path) -> Iterator[str]:
    with in_thread(_Quiet(("127.0.0.1", 0), _Healthy), authority(tmp_path)) as server:
        yield f"https://127.0.0.1:{server.server_port}"


def test_a_certificate_of_the_given_authority_is_good(addr: str, tmp_path: Path) -> None:
    assert health(addr, ca_file=tmp_path / "ca.pem") == "ok"


def test_another_certificate_is_not(addr: str) -> None:
    assert health(addr) == "gone"


def test_another_name_is_not(addr: str, tmp_path: Path) -> None:
    assert health(addr.replace("127.0.0.1", "localhost"), ca_file=tmp_path / "ca.pem") == "gone"
