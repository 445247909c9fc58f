"""Both engines together."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from vault_gateway.embedded import folder
from vault_gateway.embedded.openbao import OpenBao
from vault_gateway.embedded.postgres import Postgres
from vault_gateway.embedded.processes import last_lines


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the engines answer. `vault_root_token` is there only while bootstrapping is unfinished."""

    vault_addr: str
    vault_root_token: str | None = field(repr=False)
    admin_dsn: str = field(repr=False)


class Engines:
    """OpenBao and PostgreSQL with their data in one folder. Start them from a thread that lives as long as
    they should: the kernel ends them with it."""

    def __init__(self, data: Path) -> None:
        self.data = data.absolute()
        self._lock = folder.Lock(self.data)
        self._openbao = OpenBao(self.data)
        self._postgres = Postgres(self.data)

    def __enter__(self) -> Engines:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> Endpoints:
        """Takes the folder and starts both, side by side; raises EngineError with nothing left running."""
        folder.prepare(self.data)
        self._lock.take()
        try:
            self._openbao.start()
            self._postgres.start()
            token = self._openbao.wait()
            return Endpoints(self._openbao.addr, token, self._postgres.wait())
        except BaseException:
            self.stop()
            raise

    def finish_bootstrap(self) -> None:
        """Called once what others need is saved: the root token is revoked and forgotten."""
        self._openbao.finish_bootstrap()

    def poll(self) -> str | None:
        """None while both run, else a line that says which ended."""
        for name, engine in (("OpenBao", self._openbao), ("PostgreSQL", self._postgres)):
            if engine.process is not None and (status := engine.process.poll()) is not None:
                return f"{name} ended with status {status}: {last_lines(engine.log, 2)} (see {engine.log})"
        return None

    def pids(self) -> dict[str, int]:
        engines = {"openbao": self._openbao.process, "postgres": self._postgres.process}
        return {name: process.pid for name, process in engines.items() if process is not None}

    def stop(self) -> None:
        """Stops both and lets go of the folder; again it does nothing."""
        self._postgres.stop()
        self._openbao.stop()
        self._lock.release()
