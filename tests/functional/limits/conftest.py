"""A Redis of a test's own, to be stopped and started again."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.serve.outside import Server, start_redis


class Redis:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: Server = start_redis(folder)
        self.url = self._server.address

    def pause(self) -> None:
        self._server.process.send_signal(signal.SIGSTOP)

    def stop(self) -> None:
        self._server.stop()

    def start_again(self) -> None:
        self._server = start_redis(self._folder, int(self.url.rsplit(":", 1)[1].split("/")[0]))


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    if shutil.which("redis-server") is None:
        pytest.skip("needs redis-server")
    server = Redis(tmp_path)
    yield server
    server.stop()
