"""The data folder: who holds it, and secrets that only its owner reads."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vault_gateway.embedded.errors import EngineError

LEAST_FREE_BYTES = 200 * 1024 * 1024


class Lock:
    """Holds a folder for this process. The kernel lets go when the process ends, however it ends."""

    def __init__(self, data: Path) -> None:
        self._path = data / "lock"
        self._fd: int | None = None

    def take(self) -> None:
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(fd, 32).decode(errors="replace").strip() or "another process"
            os.close(fd)
            raise EngineError(
                f"{self._path.parent} is in use by process {holder}: stop that first, or choose another --data."
            ) from None
        os.ftruncate(fd, 0)
        os.write(fd, f"{os.getpid()}\n".encode())
        self._fd = fd

    def release(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def prepare(data: Path) -> None:
    """Makes the folder and its rooms; refuses one that cannot be written or has no space left."""
    try:
        # Others may pass through but not list: PostgreSQL runs as another user where we are root.
        data.mkdir(mode=0o711, parents=True, exist_ok=True)
        for name in ("logs", "secrets"):
            (data / name).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise EngineError(f"cannot write to {data}: {error.strerror}") from None
    require_space(data, shutil.disk_usage(data).free)


def require_space(data: Path, free: int) -> None:
    if free < LEAST_FREE_BYTES:
        raise EngineError(
            f"the disk of {data} has {free // 2**20} MB left, and {LEAST_FREE_BYTES // 2**20} MB are needed:"
            " make room, or choose another --data."
        )


def write_secret(path: Path, content: bytes) -> None:
    """All of it or nothing, on disk before it is there, readable by its owner alone."""
    new = path.with_name(path.name + ".new")
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_secret_json(path: Path, content: Mapping[str, Any]) -> None:
    write_secret(path, json.dumps(content).encode())


def read_json(path: Path) -> dict[str, Any]:
    """The content of a secret; empty where it was never written."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return content
