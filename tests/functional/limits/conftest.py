"""A Redis of a test's own, to be stopped and started again."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis as RedisClient

from tests.functional.serve.outside import Server, start_redis
from vault_gateway.embedded.processes import free_port


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
        pytest.fail("needs redis-server: tools/debian-packages.sh installs it")
    server = Redis(tmp_path)
    yield server
    server.stop()


class Cluster:
    """Three nodes on loopback ports, each with a third of the slots and no replica."""

    def __init__(self, folder: Path) -> None:
        self.nodes: list[Server] = []
        self._ports: list[tuple[int, int]] = []
        self._folder = folder
        for number in range(3):
            (folder / str(number)).mkdir()
            self._ports.append((free_port(), free_port()))
            self.nodes.append(self._start(number))
        self.url = "redis+cluster://" + ",".join(f"127.0.0.1:{port}" for port, _ in self._ports)

    def _start(self, number: int) -> Server:
        port, bus = self._ports[number]
        more = ("--cluster-enabled", "yes", "--cluster-port", str(bus), "--cluster-node-timeout", "1500")
        return start_redis(self._folder / str(number), port, *more)

    def join(self) -> None:
        for number in range(3):
            first, last = 16384 * number // 3, 16384 * (number + 1) // 3 - 1
            self._tell(number, "ADDSLOTSRANGE", first, last)
            self._tell(number, "SET-CONFIG-EPOCH", number + 1)
        for port, bus in self._ports[1:]:
            self._tell(0, "MEET", "127.0.0.1", port, bus)
        self.wait_until("ok")

    def _tell(self, number: int, *command: str | int) -> Any:
        with RedisClient(port=self._ports[number][0]) as client:
            return client.execute_command("CLUSTER", *command)

    def wait_until(self, state: str) -> None:
        """Every node that runs says so of the cluster, and knows all three."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if all(
                self._says(number, state) for number in range(3) if self.nodes[number].process.poll() is None
            ):
                return
            time.sleep(0.05)
        raise TimeoutError(f"the cluster is not {state}")

    def _says(self, number: int, state: str) -> bool:
        info, nodes = str(self._tell(number, "INFO")), self._tell(number, "NODES")
        return (
            f"cluster_state:{state}" in info
            and str(nodes).count("myself") == 1
            and str(nodes).count("127.0.0.1") == 3
        )

    def stop(self, number: int) -> None:
        self.nodes[number].stop()

    def start_again(self, number: int) -> None:
        self.nodes[number] = self._start(number)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Whoever stops a node starts it again."""
    if shutil.which("redis-server") is None:
        pytest.fail("needs redis-server: tools/debian-packages.sh installs it")
    nodes = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        nodes.join()
        yield nodes
    finally:
        for number in range(3):
            nodes.stop(number)
