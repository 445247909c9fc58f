"""Child processes that end with us, and their ends."""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vault_gateway.embedded.errors import EngineError

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
_LOWEST_PORT = 10_000
_LARGEST_LOG = 16 * 2**20
_ORPHANS_END_WITHIN_S = 10.0
# All that the engines get of our environment: PGPORT, BAO_* or VAULT_* would change what they do, and the
# gateway's own settings hold secrets.
_KEPT = ("PATH", "HOME", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "GOMAXPROCS", "GOMEMLIMIT", "GOGC")


def die_with_parent() -> None:
    """For `preexec_fn`: the kernel terminates the child when the thread that started it ends, kill -9 included.
    Children are therefore started from the main thread. Only Linux knows this."""
    if sys.platform == "linux":
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def free_port() -> int:
    """A TCP port on loopback that was free a moment ago. Below those that the system gives to connections that go out:
    one of these might take it before whoever asked does."""
    for port in random.sample(range(_LOWEST_PORT, _first_given_port()), 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise EngineError(f"no free port was found on 127.0.0.1 from {_LOWEST_PORT} on")


def _first_given_port() -> int:
    try:
        first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        first = 0
    return first if first > _LOWEST_PORT + 1000 else 32768


@dataclass(frozen=True, slots=True)
class Child:
    """A running engine, with the place in its log where this run begins."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    log_start: int

    def ended(self) -> str | None:
        """None while it runs, else how it ended."""
        status = self.process.poll()
        if status is None:
            return None
        return f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"

    def last_lines(self, count: int = 5) -> str:
        """What this run wrote last, as one line."""
        return last_lines(self.log, self.log_start, count)

    def failure(self, what: str) -> EngineError:
        return EngineError(f"{self.name} {what}: {self.last_lines() or 'it wrote nothing'} (see {self.log})")

    def stop(self, *steps: tuple[signal.Signals, float]) -> None:
        """Each signal in turn, with the seconds it may take; SIGKILL is the last resort."""
        for number, within_s in steps:
            if self.process.poll() is not None:
                return
            self.process.send_signal(number)
            try:
                self.process.wait(within_s)
            except subprocess.TimeoutExpired:
                continue
        self.process.kill()
        self.process.wait()

    def end_group(self) -> None:
        """Ends what an ended child left of its own children; in its session there is nobody else."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


def start(
    name: str,
    command: Sequence[str],
    log: Path,
    *,
    preexec: bool = False,
    env: Mapping[str, str] | None = None,
) -> Child:
    """Starts a child in a session of its own, so that a terminal's Ctrl-C reaches us and not it. `preexec` is
    for commands that do not set the parent-death signal themselves (see `privileges`). Without `env` it gets
    the little that an engine needs."""
    offset = _rotated(log)
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment() if env is None else env,
            cwd="/",
            start_new_session=True,
            preexec_fn=die_with_parent if preexec else None,
        )
    return Child(name, process, log, offset)


def environment() -> dict[str, str]:
    return {name: os.environ[name] for name in _KEPT if name in os.environ}


def last_lines(log: Path, start: int, count: int) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(start, log.stat().st_size - 16_384))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return " | ".join(line.strip() for line in text.splitlines()[-count:])


def _rotated(log: Path) -> int:
    """The size of the log, of which one older part is kept."""
    try:
        size = log.stat().st_size
    except FileNotFoundError:
        return 0
    if size > _LARGEST_LOG:
        log.replace(log.with_name(log.name + ".1"))
        return 0
    return size


def running_with(argument: str) -> list[int]:
    """Processes that have exactly this argument on their command line. None are found without a /proc."""
    wanted = os.fsencode(argument)
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            # A zombie's is empty: it has ended, whoever has yet to hear of it.
            arguments = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if wanted in arguments and int(entry.name) != os.getpid():
            found.append(int(entry.name))
    return found


def end_orphans(argument: str, number: signal.Signals) -> None:
    """Ends what a killed parent left behind. The caller holds the folder's lock, so that nobody else's engine
    has this argument. Most are dying already, by their parent-death signal."""
    deadline = time.monotonic() + _ORPHANS_END_WITHIN_S
    orphans = running_with(argument)
    for pid in orphans:
        _signal(pid, number)
    while orphans:
        late = time.monotonic() > deadline
        if time.monotonic() > deadline + 5:
            raise EngineError(
                f"process {orphans[0]} of an earlier run does not end: kill it, then start again."
            )
        for pid in orphans if late else []:
            _signal(pid, signal.SIGKILL)
        time.sleep(0.02)
        orphans = running_with(argument)


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return
