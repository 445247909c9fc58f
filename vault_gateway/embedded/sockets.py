"""The folder of PostgreSQL's unix socket."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from vault_gateway.embedded.privileges import Owner

# A unix socket's path has 107 bytes, and PostgreSQL adds a name and a lock of up to 24.
_LONGEST = 80
_PREFIX = "vault-gateway-"


class SocketFolder:
    """DIR/run, or a private folder of the system's where that path is too long or has characters that
    PostgreSQL's list of folders and libpq's list of hosts take for their own, a comma first of all."""

    def __init__(self, run: Path) -> None:
        self._run = run
        # Points to the private folder, so that the next start can remove what a crash left.
        self._link = run / "elsewhere"

    def make(self, owner: Owner | None) -> Path:
        self.remove()
        if _fits(self._run):
            path = self._run
        else:
            path = Path(tempfile.mkdtemp(prefix=_PREFIX))
            self._link.symlink_to(path)
        if owner is not None:
            owner.own(path)
        path.chmod(0o700)
        return path

    def remove(self) -> None:
        if self._link.is_symlink():
            path = self._link.readlink()
            if path.name.startswith(_PREFIX) and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            self._link.unlink()


def _fits(path: Path) -> bool:
    return len(os.fsencode(path)) <= _LONGEST and all(sign.isalnum() or sign in "/._-" for sign in str(path))
