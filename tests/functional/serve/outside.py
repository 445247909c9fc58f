"""Engines as production has them, each a server of its own: Debian's PostgreSQL and Redis, OpenBao with TLS."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import urllib3

from vault_gateway.embedded import programs
from vault_gateway.embedded.processes import free_port

ROOT = Path(__file__).parents[3]
_PASSWORD = "a password, with a comma"


@dataclass
class Server:
    """One started engine."""

    process: subprocess.Popen[bytes]
    address: str
    again: Callable[[], subprocess.Popen[bytes]]
    signalled: list[int] = field(default_factory=list)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.process.send_signal(number)
        self.process.wait(20)

    def signal(self, number: signal.Signals) -> None:
        """To it and its children."""
        self.signalled = [self.process.pid, *_children(self.process.pid)]
        for pid in self.signalled:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def start_again(self) -> None:
        """As it was, at the same place, once all that was killed is gone."""
        self.process.wait(20)
        deadline = time.monotonic() + 20
        while any(Path(f"/proc/{pid}").exists() for pid in self.signalled) and time.monotonic() < deadline:
            time.sleep(0.02)
        self.process = self.again()


def _children(parent: int) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(entry.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(entry.parent.name))
    return found


def start(command: list[str], log: Path, address: str = "", **more: Any) -> Server:
    def begin() -> subprocess.Popen[bytes]:
        with log.open("ab") as out:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, **more)

    return Server(begin(), address, begin)


def debian_postgres() -> Path | None:
    """The newest packaged one."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: path.parts[4])
    return found[-1].parent if found else None


def start_postgres(folder: Path) -> Server:
    """A cluster on a TCP port, as `postgres` where we are root. `address` is its superuser's conninfo."""
    binaries, port, user = debian_postgres(), free_port(), []
    assert binaries is not None
    if os.getuid() == 0:
        who = pwd.getpwnam("postgres")
        os.chown(folder, who.pw_uid, who.pw_gid)
        user = ["setpriv", f"--reuid={who.pw_uid}", f"--regid={who.pw_gid}", "--clear-groups"]
    (folder / "password").write_text(_PASSWORD)
    (folder / "password").chmod(0o644)
    subprocess.run(
        [*user, str(binaries / "initdb"), "-D", str(folder / "data"), "-U", "postgres", "-A", "scram-sha-256",
         f"--pwfile={folder / 'password'}", "-N", "-E", "UTF8", "--locale=C.UTF-8"],
        check=True, capture_output=True, cwd="/",
    )  # fmt: skip
    command = [*user, str(binaries / "postgres"), "-D", str(folder / "data"), "-p", str(port)]
    command += ["-k", str(folder), "-c", "listen_addresses=127.0.0.1"]
    dsn = psycopg.conninfo.make_conninfo(
        host="127.0.0.1", port=port, user="postgres", password=_PASSWORD, dbname="postgres"
    )
    server = start(command, folder / "postgres.log", dsn, cwd="/")
    _wait_for(lambda: psycopg.connect(dsn, connect_timeout=2).close(), psycopg.OperationalError)
    return server


def start_redis(folder: Path, port: int | None = None, *more: str) -> Server:
    port = port or free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    command += more
    server = start(command, folder / "redis.log", f"redis://127.0.0.1:{port}/0")
    _wait_for(lambda: _ping(port), OSError)
    return server


def _ping(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=1) as conn:
        conn.sendall(b"PING\r\n")
        if conn.recv(7) != b"+PONG\r\n":
            raise OSError("not yet")


def start_openbao(folder: Path) -> Server:
    """With the certificate and the configuration that compose.yaml gives it, moved into `folder`."""
    for name in ("secrets", "trust", "file"):
        (folder / name).mkdir()
    prepare = [sys.executable, str(ROOT / "deploy" / "prepare.py")]
    subprocess.run([*prepare, str(folder / "secrets"), str(folder / "trust"), "openbao"], check=True)
    port, text = free_port(), (ROOT / "deploy" / "openbao.hcl").read_text()
    for there, here in (
        ("/openbao/", f"{folder}/"),
        ("0.0.0.0:8200", f"127.0.0.1:{port}"),
        ("//openbao:8200", f"//localhost:{port}"),
        ("//openbao:8201", f"//localhost:{free_port()}"),
    ):
        assert there in text
        text = text.replace(there, here)
    (folder / "openbao.hcl").write_text(text)
    command = [str(programs.bao()), "server", f"-config={folder / 'openbao.hcl'}"]
    return start(command, folder / "openbao.log", f"https://localhost:{port}")


def start_vault(folder: Path, binary: str) -> Server:
    """HashiCorp Vault, with a certificate like OpenBao's, initialised and unsealed: `root_token` is in vault.json."""
    (folder / "secrets").mkdir()
    (folder / "trust").mkdir()
    prepare = [sys.executable, str(ROOT / "deploy" / "prepare.py")]
    subprocess.run([*prepare, str(folder / "secrets"), str(folder / "trust"), "openbao"], check=True)
    port = free_port()
    (folder / "vault.hcl").write_text(
        f"""
storage "inmem" {{}}
listener "tcp" {{
  address       = "127.0.0.1:{port}"
  tls_cert_file = "{folder}/secrets/openbao.pem"
  tls_key_file  = "{folder}/secrets/openbao.key"
}}
disable_mlock = true
api_addr      = "https://localhost:{port}"
"""
    )
    address = f"https://localhost:{port}"
    server = start([binary, "server", f"-config={folder / 'vault.hcl'}"], folder / "vault.log", address)
    with urllib3.PoolManager(ca_certs=str(folder / "trust" / "ca.pem")) as pool:

        def opened() -> None:
            answer = pool.request(
                "POST", f"{address}/v1/sys/init", json={"secret_shares": 1, "secret_threshold": 1}
            )
            (folder / "vault.json").write_bytes(answer.data)

        _wait_for(opened, urllib3.exceptions.HTTPError)
        pool.request(
            "POST",
            f"{address}/v1/sys/unseal",
            json={"key": json.loads((folder / "vault.json").read_bytes())["keys"][0]},
        )
    return server


def _wait_for(attempt: Any, *passing: type[Exception], within_s: float = 20) -> None:
    deadline = time.monotonic() + within_s
    while True:
        try:
            attempt()
        except passing:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
