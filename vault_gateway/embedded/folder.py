"""The data folder: its layout, who holds it, and secrets that only its owner reads.

lock                one process at a time
openbao/            raft storage
postgres/           the cluster
secrets/            unseal.key, openbao.json, postgres.json, and what others keep with `write_secret_json`
logs/               openbao.log, postgres.log, redis.log
run/                the unix socket of PostgreSQL
run-redis/          that of Redis, where there are several workers
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from vault_gateway.embedded.errors import EngineError

LEAST_FREE_BYTES = 200 * 1024 * 1024
_OURS = {"lock", "logs", "openbao", "postgres", "postgres.new", "run", "run-redis", "secrets", "lost+found"}


class Lock:
    """Holds a folder for this process. The kernel lets go when the process ends, however it ends."""

    def __init__(self, data: Path) -> None:
        self._path = data / "lock"
        self._fd: int | None = None

    def take(self) -> None:
        """Raises EngineError that names the holder; a second `take` of one's own is refused too."""
        try:
            # Close-on-exec: a child that outlived us would otherwise hold the folder in our name.
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise EngineError(f"cannot open {self._path}: {error.strerror}.") from None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(fd, 32).decode(errors="replace").strip()
            os.close(fd)
            raise EngineError(
                f"{self._path.parent} is in use by {f'process {holder}' if holder else 'another process'}:"
                " stop that first, or choose another --data."
            ) from None
        os.ftruncate(fd, 0)
        os.write(fd, f"{os.getpid()}\n".encode())
        self._fd = fd

    @property
    def held(self) -> bool:
        return self._fd is not None

    def release(self) -> None:
        if self._fd is not None:
            # Said outright: a forked copy of this process shares the descriptor and would keep the lock.
            fcntl.flock(self._fd, fcntl.LOCK_UN)
            os.close(self._fd)
            self._fd = None


def holder(data: Path) -> int | None:
    """The process that holds the folder or held it last."""
    try:
        return int((data / "lock").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def free_bytes(data: Path) -> int:
    return shutil.disk_usage(data).free


def prepare(data: Path, *, free: Callable[[Path], int] = free_bytes) -> None:
    """Makes the folder and its rooms; refuses one that is somebody else's, cannot be written or is too full."""
    # As root PostgreSQL is another user, who has to pass through but need not list.
    mode = 0o711 if os.getuid() == 0 else 0o700
    try:
        data.mkdir(mode=mode, parents=True, exist_ok=True)
        _refuse_foreign(data)
        # Some file systems have no modes (a share, a mounted host folder); the secrets are closed by themselves.
        with contextlib.suppress(PermissionError):
            data.chmod(mode)
        for name in ("logs", "run", "secrets"):
            (data / name).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise EngineError(f"cannot write to {data}: {error.strerror}.") from None
    if (left := free(data)) < LEAST_FREE_BYTES:
        raise EngineError(
            f"the disk of {data} has {left // 2**20} MB free, and {LEAST_FREE_BYTES // 2**20} MB are needed:"
            " make room, or choose another --data."
        )


def _refuse_foreign(data: Path) -> None:
    """`--data .` or `--data /tmp` by mistake would change the modes of what others use."""
    names = {entry.name for entry in data.iterdir() if not entry.name.startswith(".")}
    if "lock" not in names and not names <= _OURS:
        raise EngineError(
            f"{data} holds other things ({min(names - _OURS)}): choose a folder of its own for --data."
        )


def write_secret(path: Path, content: bytes) -> None:
    """All of it or nothing, on disk before it is there, readable by its owner alone."""
    new = path.with_name(path.name + ".new")
    # A crash may have left one, with whatever mode; O_EXCL makes this one ours from its first byte.
    new.unlink(missing_ok=True)
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder durable: without it a rename may be lost with the power."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_secret_json(path: Path, content: Mapping[str, Any]) -> None:
    write_secret(path, json.dumps(content).encode())


def read_json(path: Path) -> dict[str, Any]:
    """The content of a secret; empty where it was never written."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        raise EngineError(f"{path} is damaged: restore it.") from None
    return content
