"""Redis as a child, on a unix socket only: several workers of the gateway count rates in it. It keeps nothing, as the
memory of a single worker does not."""

from __future__ import annotations

import signal
import socket
import time
from pathlib import Path

from vault_gateway.embedded import privileges, processes, programs
from vault_gateway.embedded.sockets import SocketFolder

_UP_WITHIN_S = 20.0
# Its command line names the folder, by which a killed run's orphan is found; so it keeps that line.
_OPTIONS = (
    "--port", "0", "--unixsocketperm", "700", "--save", "", "--appendonly", "no", "--set-proc-title", "no",
)  # fmt: skip


class Redis:
    def __init__(self, data: Path) -> None:
        self.log = data / "logs" / "redis.log"
        self._folder = data / "run-redis"
        self._sockets = SocketFolder(self._folder)
        self._socket = Path()
        self.child: processes.Child | None = None

    def start(self) -> None:
        program = programs.redis()
        processes.end_orphans(str(self._folder), signal.SIGTERM)
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._socket = self._sockets.make(None) / "redis.sock"
        command = [str(program), *_OPTIONS, "--dir", str(self._folder), "--unixsocket", str(self._socket)]
        prefixed, preexec = privileges.as_ourselves(command, signal.SIGTERM)
        self.child = processes.start("Redis", prefixed, self.log, preexec=preexec)

    def wait(self) -> str:
        """Waits until it answers; its URL."""
        assert self.child is not None, "start() comes first"
        deadline = time.monotonic() + _UP_WITHIN_S
        while time.monotonic() < deadline:
            if (how := self.child.ended()) is not None:
                raise self.child.failure(f"did not start, it {how}")
            if self._answers():
                return f"redis+unix://{self._socket}"
            time.sleep(0.02)
        raise self.child.failure(f"does not answer after {_UP_WITHIN_S:.0f} s")

    def stop(self) -> None:
        if self.child is not None:
            self.child.stop((signal.SIGTERM, 5))
            self.child = None
        self._sockets.remove()

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(1)
            try:
                probe.connect(str(self._socket))
                probe.sendall(b"PING\r\n")
                return probe.recv(16).startswith(b"+PONG")
            except OSError:
                return False
