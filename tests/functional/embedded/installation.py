"""`vault-gateway up` as its users run it: a process, its lines, its signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3

from vault_gateway.embedded.processes import free_port

COMMAND = [sys.executable, "-m", "vault_gateway"]
# In the command lines of the children of `up`.
_MARKS = {
    "openbao": b"openbao.hcl",
    "postgres": b"-D\0",
    "redis": b"redis-server\0",
    "gateway": b"serve.json",
}


@dataclass
class Up:
    """A started `up`. `out` and `err` are read when it has ended."""

    data: Path
    url: str
    process: subprocess.Popen[str]

    def wait_ready(self) -> Up:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line == f"ready {self.url}\n", (line, self.process.stderr and self.process.stderr.read())
        return self

    def children(self) -> dict[str, int]:
        """openbao, postgres, redis, gateway: the pids of its direct children."""
        found = {}
        for pid in processes_with(self.data):
            parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
            if parent == self.process.pid:
                command = Path(f"/proc/{pid}/cmdline").read_bytes()
                name = next(n for n in _MARKS if _MARKS[n] in command)
                found[name] = pid
        return found

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
        """Exit status and what it still said."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.ended()

    def ended(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


def start(
    data: Path,
    *,
    port: int | None = None,
    command: Sequence[str] = COMMAND,
    options: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
) -> Up:
    port = port or free_port()
    process = subprocess.Popen(
        [*command, "up", "--data", str(data), "--port", str(port), *options],
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    return Up(data, f"http://127.0.0.1:{port}", process)


def run(*arguments: str, expected: int = 0, env: Mapping[str, str] | None = None) -> tuple[str, str]:
    """Any command, to its end: what it printed on stdout and on stderr."""
    ended = subprocess.run(
        [*COMMAND, *arguments],
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == expected, (ended.returncode, ended.stdout, ended.stderr)
    return ended.stdout, ended.stderr


def copy(source: Path, target: Path) -> None:
    """A stopped instance's folder, with owners and modes as they are."""
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)


def processes_with(data: Path) -> list[int]:
    """Everything alive that has the folder in its command line, `up` itself left out."""
    wanted, found = os.fsencode(data), []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if wanted in command and b"\0up\0" not in command:
            found.append(int(entry.name))
    return found


def wait_until_gone(data: Path, within_s: float = 15) -> float:
    """Seconds until no process of the folder is left."""
    begun = time.monotonic()
    while left := processes_with(data):
        waited = time.monotonic() - begun
        assert waited < within_s, [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in left]
        time.sleep(0.02)
    return time.monotonic() - begun


def call(url: str, key: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {key}", "Connection": "close"}
    answer = urllib3.request(method, f"{url}{path}", json=body, headers=headers, retries=False, timeout=20)
    return answer.status, answer.json()
