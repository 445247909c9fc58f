"""Processes that are killed in the middle of what they do."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tests.serving import start_server, wait_until_ready
from tests.world import World
from vault_gateway.settings.environment import to_environment


@contextmanager
def mortal(world: World) -> Iterator[tuple[str, threading.Event]]:
    """A gateway in a process of its own, and what to set to have it killed."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = world.instance.engines.data / "logs" / f"mortal-{port}.log"
    process = start_server(to_environment(replace(world.settings, port=port)), log)
    url, die = f"http://127.0.0.1:{port}", threading.Event()

    def reaper() -> None:
        die.wait()
        kill(process)

    watching = threading.Thread(target=reaper)
    watching.start()
    try:
        wait_until_ready(url, process, log)
        yield url, die
    finally:
        die.set()
        watching.join()


def kill(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL to the server and its workers: none of them gets to say or finish anything."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    workers = [int(pid) for pid in children.read_text().split()] if children.exists() else []
    for pid in (process.pid, *workers):
        if process.poll() is None or pid != process.pid:
            os.kill(pid, signal.SIGKILL)
    process.wait(10)
