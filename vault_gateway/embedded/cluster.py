"""A PostgreSQL cluster on disk: made whole or not at all."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from vault_gateway.embedded import privileges, processes
from vault_gateway.embedded.errors import EngineError
from vault_gateway.embedded.folder import sync_folder
from vault_gateway.embedded.privileges import Owner
from vault_gateway.embedded.programs import POSTGRES_SETTING, PostgresPrograms

SUPERUSER = "postgres"
_WITHIN_S = 300.0
_PWFILE = ".pw-"

# In the cluster's own file, so that an operator may change them. What concerns safety is on the command line.
_TUNING = """
# Set by vault-gateway when it made this cluster; yours to change.
shared_buffers = 128MB
max_connections = 100
wal_compression = on
max_wal_size = 1GB
timezone = 'UTC'
log_timezone = 'UTC'
"""


def initialise(
    cluster: Path, programs: PostgresPrograms, owner: Owner | None, password: str, log: Path
) -> None:
    """`initdb` into `postgres.new`, which gets its name when it is whole: a crash in the middle starts over."""
    new = cluster.with_name("postgres.new")
    processes.end_orphans(str(new), signal.SIGKILL)
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    for left in cluster.parent.glob(f"{_PWFILE}*"):
        left.unlink()
    # Beside the cluster: the folders of ours alone are closed to the user that initdb runs as.
    with tempfile.NamedTemporaryFile("w", dir=cluster.parent, prefix=_PWFILE) as pwfile:
        pwfile.write(password)
        pwfile.flush()
        if owner is not None:
            owner.own(new)
            owner.own(Path(pwfile.name))
        _initdb(new, programs, owner, Path(pwfile.name), log)
    with (new / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.write(_TUNING)
    sync_folder(new)
    new.rename(cluster)
    sync_folder(cluster.parent)


def _initdb(new: Path, programs: PostgresPrograms, owner: Owner | None, pwfile: Path, log: Path) -> None:
    command = [
        str(programs.folder / "initdb"), "-D", str(new), "-U", SUPERUSER, "--auth=scram-sha-256",
        f"--pwfile={pwfile}", "--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums",
    ]  # fmt: skip
    if programs.version >= 17:
        # Its own tables of characters: an upgrade of the C library cannot change the order of an index.
        command.append("--locale-provider=builtin")
    prefixed, preexec = prefix(command, owner, signal.SIGTERM, new.parent)
    child = processes.start("initdb", prefixed, log, preexec=preexec)
    try:
        status = child.process.wait(_WITHIN_S)
    except subprocess.TimeoutExpired:
        raise child.failure(f"has not ended after {_WITHIN_S:.0f} s") from None
    finally:
        child.stop((signal.SIGTERM, 5))
    if status != 0:
        raise EngineError(f"PostgreSQL could not be set up: {child.last_lines()} (see {log})")


def prefix(
    command: list[str],
    owner: Owner | None,
    at_death: signal.Signals,
    *reads: Path,
) -> tuple[list[str], bool]:
    if owner is None:
        return privileges.as_ourselves(command, at_death)
    return privileges.as_owner(command, owner, at_death, reads=reads, runs=Path(command[0])), False


def require_same_version(cluster: Path, programs: PostgresPrograms) -> None:
    """Each major version has its own format on disk."""
    made_by = (cluster / "PG_VERSION").read_text(encoding="ascii").strip()
    if made_by != str(programs.version):
        raise EngineError(
            f"{cluster} was made by PostgreSQL {made_by}, and {programs.folder} is {programs.version}:"
            f" set {POSTGRES_SETTING} to the folder of version {made_by}."
        )


def drop_stale_pid(cluster: Path) -> None:
    """After a crash, `postmaster.pid` may name a process that is now something else (in a container they start
    from 1 again), and PostgreSQL would refuse. The caller holds the folder and found no server of it. A number
    that nobody has is left to PostgreSQL, which also looks for sessions that outlived their server."""
    path = cluster / "postmaster.pid"
    try:
        pid = path.read_text(encoding="utf-8").split("\n", 1)[0].strip()
    except FileNotFoundError:
        return
    if Path("/proc", pid).exists():
        path.unlink()
