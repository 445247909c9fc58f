"""PostgreSQL as a child, on a unix socket only."""

from __future__ import annotations

import secrets
import signal
import time
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from vault_gateway.embedded import cluster, privileges, processes, programs
from vault_gateway.embedded.errors import EngineError
from vault_gateway.embedded.folder import read_json, write_secret_json
from vault_gateway.embedded.sockets import SocketFolder

DATABASE = "vault_gateway"
_PORT = "5432"
_UP_WITHIN_S = 60.0
# Sessions that outlive a killed server for a moment, or a predecessor's lock: worth another try.
_PASSING = ("still in use", "lock file")
_TRIES_WITHIN_S = 8.0

# On the command line, where neither ALTER SYSTEM nor a file undoes them. The log level `log` leaves out what
# statements fail with: "invalid input syntax: ..." repeats the value, and values stay out of every log. The rest
# keeps statements, parameters and details (the key of a duplicate row) out of what is still logged.
_OPTIONS = {
    "listen_addresses": "",
    "port": _PORT,
    "unix_socket_permissions": "0700",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "logging_collector": "off",
    "log_destination": "stderr",
    "log_min_messages": "log",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
}


class Postgres:
    """`secrets/postgres.json` holds the superuser's password."""

    def __init__(self, data: Path) -> None:
        self.log = data / "logs" / "postgres.log"
        self._data = data
        self._cluster = data / "postgres"
        self._saved = data / "secrets" / "postgres.json"
        self._socket = SocketFolder(data / "run")
        self._socket_folder = Path()
        self._command: list[str] = []
        self._preexec = False
        self._tries_until = 0.0
        self.child: processes.Child | None = None

    def start(self, *, may_initialise: bool) -> None:
        """Starts the server, after making the cluster where there is none. `may_initialise` is false where data
        was kept before: an empty database in its place would hide the loss."""
        processes.end_orphans(str(self._cluster), signal.SIGINT)
        found = programs.postgres()
        owner = privileges.owner_of(self._cluster)
        if not self._cluster.exists():
            self._initialise(found, owner, may_initialise=may_initialise)
        elif not self._saved.exists():
            raise EngineError(f"{self._saved} is missing, the password of {self._cluster}: restore it.")
        cluster.require_same_version(self._cluster, found)
        cluster.drop_stale_pid(self._cluster)
        self._socket_folder = self._socket.make(owner)
        command = [str(found.folder / "postgres"), "-D", str(self._cluster), "-k", str(self._socket_folder)]
        for name, value in _OPTIONS.items():
            command += ["-c", f"{name}={value}"]
        # At our death a fast shutdown too: SIGTERM would wait until every client has left.
        reads = (self._data, self._socket_folder.parent)
        self._command, self._preexec = cluster.prefix(command, owner, signal.SIGINT, *reads)
        self._tries_until = time.monotonic() + _TRIES_WITHIN_S
        self._launch()

    def wait(self) -> str:
        """Waits until it answers, makes the database at the first start; returns the superuser's conninfo."""
        deadline = time.monotonic() + _UP_WITHIN_S
        while time.monotonic() < deadline:
            self._require_running()
            try:
                self._ensure_database()
            except psycopg.OperationalError as error:
                # After a crash it replays its log first, for as long as that takes: it says so when asked.
                if _is_starting(error):
                    deadline = time.monotonic() + _UP_WITHIN_S
                time.sleep(0.02)
            else:
                return self._conninfo(DATABASE)
        assert self.child is not None
        raise self.child.failure(f"does not answer after {_UP_WITHIN_S:.0f} s")

    def stop(self) -> None:
        """SIGINT is the fast shutdown: sessions end, everything is flushed. SIGQUIT leaves it to the next start
        to recover, but still ends in order what SIGKILL would orphan."""
        if self.child is not None:
            self.child.stop((signal.SIGINT, 30), (signal.SIGQUIT, 5))
            self.child = None
        self._socket.remove()

    def _initialise(
        self, found: programs.PostgresPrograms, owner: privileges.Owner | None, *, may_initialise: bool
    ) -> None:
        if not may_initialise:
            raise EngineError(f"{self._cluster} is missing, and with it all records: restore it.")
        password = str(read_json(self._saved).get("password") or secrets.token_urlsafe(24))
        write_secret_json(self._saved, {"password": password})
        cluster.initialise(self._cluster, found, owner, password, self.log)

    def _launch(self) -> None:
        self.child = processes.start("PostgreSQL", self._command, self.log, preexec=self._preexec)

    def _require_running(self) -> None:
        assert self.child is not None, "start() comes first"
        if (how := self.child.ended()) is None:
            return
        passing = any(sign in self.child.last_lines(20) for sign in _PASSING)
        if not passing or time.monotonic() > self._tries_until:
            raise self.child.failure(f"did not start, it {how}")
        time.sleep(0.2)
        self._launch()

    def _ensure_database(self) -> None:
        with psycopg.connect(self._conninfo(cluster.SUPERUSER), autocommit=True, connect_timeout=5) as conn:
            if conn.execute("select 1 from pg_database where datname = %s", (DATABASE,)).fetchone() is None:
                conn.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))

    def _conninfo(self, database: str) -> str:
        return make_conninfo(
            host=str(self._socket_folder),
            port=_PORT,
            user=cluster.SUPERUSER,
            password=str(read_json(self._saved)["password"]),
            dbname=database,
        )


def _is_starting(error: psycopg.OperationalError) -> bool:
    said = str(error)
    return "starting up" in said or "not yet accepting" in said or "recovery" in said
