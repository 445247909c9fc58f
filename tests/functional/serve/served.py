"""`vault-gateway serve` as a process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests import canaries
from tests.functional.serve.conftest import Outside
from tests.serving import wait_until_ready
from vault_gateway.embedded.processes import free_port


@dataclass
class Served:
    url: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path
    begin: Callable[[], subprocess.Popen[bytes]]

    def start_again(self) -> None:
        """After it was killed, at the same address."""
        self.process.wait(20)
        self.process = self.begin()
        wait_until_ready(self.url, self.process, self.log)


@contextmanager
def serving(engines: Outside | None, *arguments: str, **settings: str) -> Iterator[Served]:
    port = free_port()
    env = {**os.environ, **(engines.environment if engines else {}), **settings}
    env |= {"VAULT_GATEWAY_HOST": "127.0.0.1", "VAULT_GATEWAY_PORT": str(port)}
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "gateway.log"

        def begin() -> subprocess.Popen[bytes]:
            with log.open("ab") as out:
                command = [sys.executable, "-m", "vault_gateway", "serve", *arguments]
                return subprocess.Popen(command, env=env, stdout=out, stderr=out)

        served = Served(f"http://127.0.0.1:{port}", port, begin(), log, begin)
        try:
            wait_until_ready(served.url, served.process, log)
            yield served
        finally:
            served.process.terminate()
            served.process.wait(20)
        canaries.require_none_in(Path(folder))
