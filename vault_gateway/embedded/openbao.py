"""OpenBao as a child: raft storage, a static seal, one listener on loopback."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import urllib3

from vault_gateway.embedded import privileges, processes, programs
from vault_gateway.embedded.errors import EngineError
from vault_gateway.embedded.folder import read_json, sync_folder, write_secret, write_secret_json

_UP_WITHIN_S = 30.0
# A port taken since it was found free, or storage that a dying predecessor still holds: worth another try.
_PASSING = ("address already in use", "timeout", "resource temporarily unavailable")
_TRIES_WITHIN_S = 8.0
_NOT_INITIALISED, _ACTIVE = 501, 200

# Its heap is small and its garbage comes fast: a fifth of its time went to collecting it, and what was asked of it
# meanwhile waited. Now it takes some 50 MB more.
_ENVIRONMENT = {"GOGC": "400"}
# Ports are new at each start: a single raft node elects itself by its id, whatever address it had before.
# 20,000 JSON strings are 4,000 items with their contexts; the default of 1,000 would be 249.
_CONFIG = """
ui = false
log_level = "warn"
disable_standby_reads = true
api_addr = "http://127.0.0.1:{port}"
cluster_addr = "http://127.0.0.1:{cluster_port}"

storage "raft" {{
  path = {storage}
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
  current_key = {unseal_key}
}}
"""


class OpenBao:
    """`secrets/openbao.json` holds the recovery keys and, until `finish_bootstrap`, the root token.

    A crash between `init` and the keeping of its answer leaves storage that nobody can open and that holds
    nothing. The mark in the storage folder tells it from storage whose secrets were lost later.
    """

    def __init__(self, data: Path) -> None:
        self.log = data / "logs" / "openbao.log"
        self._storage = data / "openbao"
        self._kept_mark = data / "openbao" / "answer-kept"
        self._config = data / "secrets" / "openbao.hcl"
        self._unseal_key = data / "secrets" / "unseal.key"
        self._saved = data / "secrets" / "openbao.json"
        self._tries_until = 0.0
        self.child: processes.Child | None = None
        self.addr = ""

    @property
    def bootstrapped(self) -> bool:
        """Whether others have kept their credentials, so that data may be there."""
        return self._saved.exists() and "root_token" not in read_json(self._saved)

    def start(self) -> None:
        """Starts the server; `wait` finds out whether it came up."""
        processes.end_orphans(self._argument, signal.SIGTERM)
        self._prepare_storage()
        self._tries_until = time.monotonic() + _TRIES_WITHIN_S
        self._launch()

    def wait(self) -> str | None:
        """Waits until it is unsealed and active, initialising it at the first start; returns the root token
        while bootstrapping is unfinished."""
        if not self._saved.exists():
            self._wait_for(_NOT_INITIALISED)
            self._initialise()
        if not self._kept_mark.exists():
            self._kept_mark.touch(mode=0o600)
            sync_folder(self._storage)
        self._wait_for(_ACTIVE)
        return self._root_token()

    def finish_bootstrap(self) -> None:
        """Revokes the root token, then forgets it. A crash in between leaves one that is refused, which `wait`
        then forgets."""
        token = read_json(self._saved).get("root_token")
        if token is None:
            return
        status, _ = self._ask("POST", "auth/token/revoke-self", token=token)
        if status not in (204, 200, 403):
            raise EngineError(f"OpenBao did not revoke its root token (status {status}): start again.")
        self._forget_root_token()

    def ask_to_stop(self) -> None:
        """Lets it begin; `stop` waits for the end."""
        if self.child is not None and self.child.ended() is None:
            self.child.process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """What it was asked is answered, and so synced, within milliseconds. Then its raft waits a second or two
        for peers that it has not; that is cut short, for its storage is whole at any moment."""
        if self.child is not None:
            self.child.stop((signal.SIGTERM, 0.2))
            self.child = None

    @property
    def _argument(self) -> str:
        return f"-config={self._config}"

    def _prepare_storage(self) -> None:
        if not self._saved.exists():
            if self._kept_mark.exists():
                raise EngineError(
                    f"{self._saved} is missing, without which {self._storage} has no owner: restore it."
                )
            shutil.rmtree(self._storage, ignore_errors=True)
        elif not self._unseal_key.exists():
            raise EngineError(f"{self._unseal_key} is missing, and nothing opens without it: restore it.")
        elif not self._storage.exists():
            raise EngineError(f"{self._storage} is missing, and with it all keys: restore it.")
        self._storage.mkdir(mode=0o700, exist_ok=True)
        if not self._unseal_key.exists():
            write_secret(self._unseal_key, os.urandom(32))

    def _launch(self) -> None:
        port, cluster_port = processes.free_port(), processes.free_port()
        text = _CONFIG.format(
            port=port,
            cluster_port=cluster_port,
            storage=_quoted(str(self._storage)),
            unseal_key=_quoted(f"file://{self._unseal_key}"),
        )
        write_secret(self._config, text.encode())
        self.addr = f"http://127.0.0.1:{port}"
        command = [str(programs.bao()), "server", self._argument]
        prefixed, preexec = privileges.as_ourselves(command, signal.SIGTERM)
        env = {**_ENVIRONMENT, **processes.environment()}
        self.child = processes.start("OpenBao", prefixed, self.log, preexec=preexec, env=env)

    def _initialise(self) -> None:
        # With a static seal there are no shares of the unseal key, and without recovery keys that seal key
        # could never be changed.
        shares = {"recovery_shares": 3, "recovery_threshold": 2}
        status, answer = self._ask("POST", "sys/init", shares)
        if status != 200:
            raise EngineError(f"OpenBao could not be initialised (status {status}): see {self.log}.")
        kept = {"recovery_keys": answer["recovery_keys_base64"], "root_token": answer["root_token"]}
        write_secret_json(self._saved, kept)

    def _root_token(self) -> str | None:
        token: str | None = read_json(self._saved).get("root_token")
        if token is not None and self._ask("GET", "auth/token/lookup-self", token=token)[0] == 403:
            self._forget_root_token()
            return None
        return token

    def _forget_root_token(self) -> None:
        saved = read_json(self._saved)
        del saved["root_token"]
        write_secret_json(self._saved, saved)

    def _wait_for(self, wanted: int) -> None:
        deadline = time.monotonic() + _UP_WITHIN_S
        while time.monotonic() < deadline:
            self._require_running()
            status = self._health()
            if status == wanted:
                return
            if status == _NOT_INITIALISED:
                raise EngineError(
                    f"{self._storage} is empty though it was in use, and with it all keys: restore it."
                )
            time.sleep(0.02)
        assert self.child is not None
        raise self.child.failure(f"does not answer after {_UP_WITHIN_S:.0f} s")

    def _require_running(self) -> None:
        assert self.child is not None, "start() comes first"
        if (how := self.child.ended()) is None:
            return
        passing = any(sign in self.child.last_lines(20).lower() for sign in _PASSING)
        if not passing or time.monotonic() > self._tries_until:
            raise self.child.failure(f"did not start, it {how}")
        time.sleep(0.2)
        self._launch()

    def _health(self) -> int | None:
        try:
            return self._ask("GET", "sys/health", timeout=2)[0]
        except EngineError:
            return None

    def _ask(
        self, method: str, path: str, body: Any = None, *, token: str | None = None, timeout: float = 30
    ) -> tuple[int, dict[str, Any]]:
        """One request, past any proxy of the environment. Answers may hold secrets: they go into no message."""
        headers = {} if token is None else {"X-Vault-Token": token}
        try:
            answer = urllib3.request(
                method, f"{self.addr}/v1/{path}", json=body, headers=headers, timeout=timeout, retries=False
            )
            return answer.status, answer.json() if answer.data else {}
        except (urllib3.exceptions.HTTPError, ValueError):
            raise EngineError(f"OpenBao gave no answer to {method} {path}: see {self.log}.") from None


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
