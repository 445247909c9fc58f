"""Whom the engines run as, and what they may do: util-linux `setpriv` in front of their commands.

It sets the parent-death signal as the last thing before the engine's program, after the change of user that
would clear it, and without Python code between fork and exec.
"""

from __future__ import annotations

import functools
import os
import pwd
import shutil
import signal
import stat
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vault_gateway.embedded.errors import EngineError

SYSTEM_USER = "vault-gateway"
# Numbers of linux/capability.h.
_DAC_OVERRIDE, _DAC_READ_SEARCH, _SETPCAP = 1, 2, 8


@dataclass(frozen=True, slots=True)
class Owner:
    uid: int
    gid: int

    def own(self, path: Path) -> None:
        os.chown(path, self.uid, self.gid)


def owner_of(cluster: Path) -> Owner | None:
    """Who PostgreSQL runs as; None for ourselves. It refuses root, so root gives it a system user, or whoever
    owns a cluster that came from elsewhere (made without root, or on a machine with other numbers)."""
    if os.getuid() != 0:
        return None
    try:
        found = cluster.stat()
    except FileNotFoundError:
        return _system_user()
    return Owner(found.st_uid, found.st_gid) if found.st_uid != 0 else _system_user()


def _system_user() -> Owner:
    for name in (SYSTEM_USER, SYSTEM_USER, "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            _add_user(name)
        else:
            return Owner(found.pw_uid, found.pw_gid)
    raise EngineError(
        "PostgreSQL does not run as root, and there is no other user here: run as another user."
    )


def _add_user(name: str) -> None:
    """Where it cannot (a read-only system, no useradd), `nobody` is next."""
    useradd = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if useradd is not None:
        command = [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name]
        subprocess.run(command, check=False, capture_output=True)


@functools.cache
def _setpriv() -> str | None:
    """util-linux's, not that of BusyBox, which knows no parent-death signal."""
    found = shutil.which("setpriv")
    if found is None:
        return None
    tried = subprocess.run([found, "--pdeathsig=TERM", "true"], check=False, capture_output=True)
    return found if tried.returncode == 0 else None


def as_ourselves(command: Sequence[str], at_death: signal.Signals) -> tuple[list[str], bool]:
    """The command, and whether it needs `die_with_parent` because there is no setpriv."""
    setpriv = _setpriv()
    if setpriv is None:
        return list(command), True
    return [setpriv, f"--pdeathsig={at_death.name[3:]}", "--no-new-privs", *command], False


def as_owner(
    command: Sequence[str], owner: Owner, at_death: signal.Signals, *, reads: Iterable[Path], runs: Path
) -> list[str]:
    """The command as another user, with no capability: except, where a folder above what it reads is closed to
    that user (a checkout in /root), the one to pass closed folders."""
    setpriv = _setpriv()
    if setpriv is None:
        raise EngineError(
            "PostgreSQL does not run as root, and changing the user needs setpriv: install util-linux, or run"
            " as another user."
        )
    right = _needed_right([*reads, runs.parent], runs)
    plus = f",+{right}" if right else ""
    prefix = [
        setpriv, f"--reuid={owner.uid}", f"--regid={owner.gid}", "--clear-groups", "--no-new-privs",
        f"--pdeathsig={at_death.name[3:]}", f"--inh-caps=-all{plus}",
    ]  # fmt: skip
    may_set = bool(_bounding_set() & 1 << _SETPCAP)
    if right:
        prefix.append(f"--ambient-caps=+{right}")
    if right and may_set:
        # PostgreSQL looks for its own programs by access(2), which asks without any right unless this bit is set.
        prefix.append("--securebits=+no_setuid_fixup")
    if may_set:
        prefix.append(f"--bounding-set=-all{plus}")
    return [*prefix, *command]


def _needed_right(reads: Sequence[Path], runs: Path) -> str | None:
    runnable = bool(runs.stat().st_mode & stat.S_IXOTH)
    if runnable and all(map(_open_to_all, reads)):
        return None
    rights = _bounding_set()
    if _open_to_all(runs.parent) or rights & 1 << _SETPCAP:
        # The smaller one passes folders and reads, but does not run a program that is closed itself. Containers
        # often leave only the larger one.
        if runnable and rights & 1 << _DAC_READ_SEARCH:
            return "dac_read_search"
        if rights & 1 << _DAC_OVERRIDE:
            return "dac_override"
    raise EngineError(
        f"PostgreSQL does not run as root, and its own user cannot reach {' and '.join(map(str, reads))}:"
        " open the folders above to all (chmod o+x), or run as another user."
    )


def _open_to_all(folder: Path) -> bool:
    above = folder.resolve()
    return all(path.stat().st_mode & stat.S_IXOTH for path in (above, *above.parents))


def _bounding_set() -> int:
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("CapBnd:"):
            return int(line.split()[1], 16)
    return 0
