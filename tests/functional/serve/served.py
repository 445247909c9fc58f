"""`vault-gateway serve` as a process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.functional.embedded.installation import free_port
from tests.functional.serve.conftest import Outside
from tests.world import wait_until_ready


@dataclass
class Served:
    url: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path


@contextmanager
def serving(engines: Outside | None, *arguments: str, **settings: str) -> Iterator[Served]:
    port = free_port()
    env = {**os.environ, **(engines.environment if engines else {}), **settings}
    env |= {"VAULT_GATEWAY_HOST": "127.0.0.1", "VAULT_GATEWAY_PORT": str(port)}
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "gateway.log"
        with log.open("ab") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "vault_gateway", "serve", *arguments], env=env, stdout=out, stderr=out
            )
        served = Served(f"http://127.0.0.1:{port}", port, process, log)
        try:
            wait_until_ready(served.url, process, log)
            yield served
        finally:
            process.terminate()
            process.wait(20)
