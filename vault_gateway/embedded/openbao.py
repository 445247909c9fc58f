"""OpenBao as a child: raft storage, a static seal, one listener on loopback."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import hvac
import requests

from vault_gateway.embedded import processes
from vault_gateway.embedded.errors import EngineError
from vault_gateway.embedded.folder import read_json, write_secret, write_secret_json

_UP_WITHIN_S = 30.0

# 20,000 JSON strings are 4,000 items with their contexts; the default of 1,000 would be 249.
_CONFIG = """
ui = false
log_level = "warn"
disable_standby_reads = true
api_addr = "http://127.0.0.1:{port}"
cluster_addr = "http://127.0.0.1:{cluster_port}"

storage "raft" {{
  path = "{storage}"
  node_id = "embedded"
  performance_multiplier = 1
}}

listener "tcp" {{
  address = "127.0.0.1:{port}"
  cluster_address = "127.0.0.1:{cluster_port}"
  tls_disable = true
  max_request_json_strings = 20000
}}

seal "static" {{
  current_key_id = "embedded-1"
  current_key = "file://{unseal_key}"
}}
"""


class OpenBao:
    """`secrets/openbao.json` holds the recovery keys and, until `finish_bootstrap`, the root token."""

    def __init__(self, data: Path) -> None:
        self.log = data / "logs" / "openbao.log"
        self._storage = data / "openbao"
        self._config = data / "secrets" / "openbao.hcl"
        self._unseal_key = data / "secrets" / "unseal.key"
        self._saved = data / "secrets" / "openbao.json"
        self.process: subprocess.Popen[bytes] | None = None
        self.addr = ""

    def start(self) -> None:
        """Starts the server; `wait` finds out whether it came up."""
        if not self._saved.exists():
            # The answer to `init` was never kept: nothing was stored in it, so it is made anew.
            shutil.rmtree(self._storage, ignore_errors=True)
        self._storage.mkdir(mode=0o700, exist_ok=True)
        if not self._unseal_key.exists():
            write_secret(self._unseal_key, os.urandom(32))
        port, cluster_port = processes.free_port(), processes.free_port()
        text = _CONFIG.format(
            port=port, cluster_port=cluster_port, storage=self._storage, unseal_key=self._unseal_key
        )
        write_secret(self._config, text.encode())
        self.addr = f"http://127.0.0.1:{port}"
        self.process = processes.start(
            [processes.bao_binary(), "server", f"-config={self._config}"], log=self.log
        )

    def wait(self) -> str | None:
        """Waits until it is unsealed and active, initialising it at the first start; returns the root token
        while bootstrapping is unfinished."""
        if not self._saved.exists():
            self._wait_for(501)
            answer = self._client().sys.initialize(None, None, recovery_shares=3, recovery_threshold=2)
            kept = {"recovery_keys": answer["recovery_keys_base64"], "root_token": answer["root_token"]}
            write_secret_json(self._saved, kept)
        self._wait_for(200)
        token: str | None = read_json(self._saved).get("root_token")
        return token

    def finish_bootstrap(self) -> None:
        """Revokes the root token, then forgets it: a crash in between finds a token that is refused, and
        `wait` has nothing left to give."""
        saved = read_json(self._saved)
        if (token := saved.pop("root_token", None)) is not None:
            self._client(token).auth.token.revoke_self()
            write_secret_json(self._saved, saved)

    def stop(self) -> None:
        processes.stop(self.process, signal.SIGTERM, within_s=10)
        self.process = None

    def _client(self, token: str | None = None) -> Any:
        return hvac.Client(self.addr, token=token, timeout=10)

    def _wait_for(self, status: int) -> None:
        deadline = time.monotonic() + _UP_WITHIN_S
        while time.monotonic() < deadline:
            if self.process is None or self.process.poll() is not None:
                raise EngineError(f"OpenBao did not start: {processes.last_lines(self.log)} (see {self.log})")
            try:
                if requests.get(f"{self.addr}/v1/sys/health", timeout=2).status_code == status:
                    return
            except requests.RequestException:
                pass
            time.sleep(0.03)
        raise EngineError(f"OpenBao does not answer after {_UP_WITHIN_S:.0f} s: see {self.log}")
