"""PostgreSQL as a child, on a unix socket only."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from vault_gateway.embedded import processes
from vault_gateway.embedded.errors import EngineError
from vault_gateway.embedded.folder import read_json, write_secret_json

DATABASE = "vault_gateway"
SUPERUSER = "postgres"
SYSTEM_USER = "vault-gateway"
_UP_WITHIN_S = 60.0
# A unix socket's path has 107 bytes, and PostgreSQL adds a name of 18.
_LONGEST_SOCKET_FOLDER = 85

# The last lines keep values out of PostgreSQL's own log: no statements, no parameters, no details of errors.
_OPTIONS = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "wal_compression": "on",
    "fsync": "on",
    "synchronous_commit": "on",
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
}


class Postgres:
    def __init__(self, data: Path) -> None:
        self.log = data / "logs" / "postgres.log"
        self._cluster = data / "postgres"
        self._saved = data / "secrets" / "postgres.json"
        self._run = data / "run"
        self._short: tempfile.TemporaryDirectory[str] | None = None
        self._owner = _system_user() if os.getuid() == 0 else None
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts the server, initialising the cluster first where there is none."""
        folder = processes.postgres_folder()
        if not self._cluster.exists():
            self._initialise(folder)
        socket_folder = self._socket_folder()
        command = [str(folder / "postgres"), "-D", str(self._cluster), "-k", str(socket_folder)]
        for name, value in _OPTIONS.items():
            command += ["-c", f"{name}={value}"]
        self.process = processes.start(self._as_owner(command, folder), log=self.log)

    def wait(self) -> str:
        """Waits until it answers, makes the database at the first start; returns the superuser's conninfo."""
        deadline = time.monotonic() + _UP_WITHIN_S
        while time.monotonic() < deadline:
            if self.process is None or self.process.poll() is not None:
                raise EngineError(f"PostgreSQL did not start: {processes.last_lines(self.log)} (see {self.log})")
            try:
                self._ensure_database()
            except psycopg.OperationalError:
                time.sleep(0.03)
            else:
                return self._conninfo(DATABASE)
        raise EngineError(f"PostgreSQL does not answer after {_UP_WITHIN_S:.0f} s: see {self.log}")

    def stop(self) -> None:
        # SIGINT is PostgreSQL's fast shutdown: sessions end, everything is flushed.
        processes.stop(self.process, signal.SIGINT, within_s=20)
        self.process = None
        if self._short is not None:
            self._short.cleanup()
            self._short = None

    def _initialise(self, folder: Path) -> None:
        """initdb into a new folder that gets its name when it is whole, so a crash in the middle starts over."""
        new = self._cluster.with_name("postgres.new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        password = str(read_json(self._saved).get("password") or secrets.token_urlsafe(24))
        write_secret_json(self._saved, {"password": password})
        self._own(new)
        with tempfile.NamedTemporaryFile("w", dir=new.parent, prefix=".pw-") as pwfile:
            pwfile.write(password)
            pwfile.flush()
            self._own(Path(pwfile.name))
            command = [
                str(folder / "initdb"), "-D", str(new), "-U", SUPERUSER, "--auth=scram-sha-256",
                f"--pwfile={pwfile.name}", "--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums",
            ]  # fmt: skip
            with self.log.open("ab") as log:
                done = subprocess.run(  # noqa: S603 - our own command
                    self._as_owner(command, folder), stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False
                )
        if done.returncode != 0:
            raise EngineError(f"PostgreSQL could not be set up: {processes.last_lines(self.log)} (see {self.log})")
        new.rename(self._cluster)

    def _ensure_database(self) -> None:
        with psycopg.connect(self._conninfo(SUPERUSER), autocommit=True, connect_timeout=3) as conn:
            if conn.execute("select 1 from pg_database where datname = %s", (DATABASE,)).fetchone() is None:
                conn.execute(f"create database {DATABASE}")

    def _conninfo(self, database: str) -> str:
        return make_conninfo(
            host=str(self._socket_folder()),
            user=SUPERUSER,
            password=str(read_json(self._saved)["password"]),
            dbname=database,
        )

    def _socket_folder(self) -> Path:
        if len(os.fsencode(self._run.resolve())) <= _LONGEST_SOCKET_FOLDER:
            self._run.mkdir(mode=0o700, exist_ok=True)
            self._own(self._run)
            return self._run.resolve()
        if self._short is None:
            self._short = tempfile.TemporaryDirectory(prefix="vg-pg-")
            self._own(Path(self._short.name))
        return Path(self._short.name)

    def _own(self, path: Path) -> None:
        if self._owner is not None:
            os.chown(path, self._owner.pw_uid, self._owner.pw_gid)

    def _as_owner(self, command: Sequence[str], programs: Path) -> list[str]:
        """PostgreSQL refuses to run as root: there it runs as a system user of its own. If a folder above its
        programs or its data is closed to that user (a checkout in /root, say), it keeps the right to pass."""
        if self._owner is None:
            return list(command)
        prefix = [
            "setpriv", f"--reuid={self._owner.pw_uid}", f"--regid={self._owner.pw_gid}", "--clear-groups",
            "--no-new-privs", "--pdeathsig=TERM",
        ]  # fmt: skip
        if not (_open_to_all(programs) and _open_to_all(self._cluster.parent)):
            right = _passing_right()
            prefix += [f"--inh-caps=-all,+{right}", f"--ambient-caps=+{right}", f"--bounding-set=-all,+{right}"]
        return [*prefix, *command]


def _open_to_all(folder: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in (folder.resolve(), *folder.resolve().parents))


def _passing_right() -> str:
    """The smaller capability that lets a user pass closed folders; containers often leave only the larger."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("CapBnd:"):
            # Bits of linux/capability.h: 1 is DAC_OVERRIDE, 2 is DAC_READ_SEARCH.
            return "dac_read_search" if int(line.split()[1], 16) & (1 << 2) else "dac_override"
    return "dac_override"


def _system_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
        subprocess.run(command, check=False, capture_output=True)  # noqa: S603 - a fixed command
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        return pwd.getpwnam("nobody")
