"""All engines together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from vault_gateway.embedded import folder
from vault_gateway.embedded.errors import EngineError
from vault_gateway.embedded.openbao import OpenBao
from vault_gateway.embedded.postgres import Postgres
from vault_gateway.embedded.redis import Redis


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the engines answer. `vault_root_token` is there only while bootstrapping is unfinished: at the first
    start, or after a crash before `finish_bootstrap`. `admin_dsn` is the conninfo of PostgreSQL's superuser on
    the database `vault_gateway`. `redis_url` is None where no Redis was asked for."""

    vault_addr: str
    vault_root_token: str | None = field(repr=False)
    admin_dsn: str = field(repr=False)
    redis_url: str | None = None


class Engines:
    """OpenBao and PostgreSQL with their data in one folder, and `with_redis` a Redis that keeps nothing.

    Call `start` from a thread that lives as long as the engines should, the main thread best: the kernel ends
    them when that thread ends, so that they end with the process even if it is killed.
    """

    def __init__(
        self,
        data: Path,
        *,
        with_redis: bool = False,
        free_bytes: Callable[[Path], int] = folder.free_bytes,
    ) -> None:
        self._data = data.resolve()
        self._free_bytes = free_bytes
        self._lock = folder.Lock(self._data)
        self._openbao = OpenBao(self._data)
        self._postgres = Postgres(self._data)
        self._redis = Redis(self._data) if with_redis else None

    @property
    def data(self) -> Path:
        return self._data

    def __enter__(self) -> Engines:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> Endpoints:
        """Takes the folder and starts all, side by side, making what is not there yet; returns when they
        answer. Raises EngineError with nothing left running."""
        folder.prepare(self._data, free=self._free_bytes)
        self._lock.take()
        try:
            return self._start()
        except OSError as error:
            self.stop()
            raise EngineError(f"{self._about(error)}; {self._space()}.") from error
        except EngineError as error:
            self.stop()
            raise EngineError(f"{error}{self._space_if_short()}") from error
        except BaseException:
            self.stop()
            raise

    def finish_bootstrap(self) -> None:
        """Called once what others need is saved: the root token is revoked and forgotten. Again it does
        nothing."""
        self._openbao.finish_bootstrap()

    def poll(self) -> str | None:
        """None while they run, else a line that says which ended, how, and where its log is."""
        for engine in self._engines().values():
            if engine.child is not None and (how := engine.child.ended()) is not None:
                said = engine.child.last_lines(2)
                return f"{engine.child.name} {how}{f': {said}' if said else ''} (see {engine.log})"
        return None

    def stop(self) -> None:
        """Stops all, side by side, and lets go of the folder; again it does nothing. Whoever uses them has
        ended before. Without the folder nothing in it is ours to stop or to tidy up: another process may be
        using it."""
        if not self._lock.held:
            return
        # The last first, and each though another fails.
        with ExitStack() as stopping:
            stopping.callback(self._lock.release)
            if self._redis is not None:
                stopping.callback(self._redis.stop)
            stopping.callback(self._openbao.stop)
            self._openbao.ask_to_stop()
            self._postgres.stop()

    def _start(self) -> Endpoints:
        bootstrapped = self._openbao.bootstrapped
        self._openbao.start()
        self._postgres.start(may_initialise=not bootstrapped)
        if self._redis is not None:
            self._redis.start()
        token, dsn = self._openbao.wait(), self._postgres.wait()
        return Endpoints(self._openbao.addr, token, dsn, None if self._redis is None else self._redis.wait())

    def _engines(self) -> Mapping[str, OpenBao | Postgres | Redis]:
        engines: dict[str, OpenBao | Postgres | Redis | None]
        engines = {"openbao": self._openbao, "postgres": self._postgres, "redis": self._redis}
        return {name: engine for name, engine in engines.items() if engine is not None}

    def _about(self, error: OSError) -> str:
        where = error.filename or self._data
        return f"the engines cannot start: {error.strerror or error} ({where})"

    def _space(self) -> str:
        return f"{self._free_bytes(self._data) // 2**20} MB are free for {self._data}"

    def _space_if_short(self) -> str:
        """A full disk shows in many ways; the number tells."""
        return f"; only {self._space()}" if self._free_bytes(self._data) < folder.LEAST_FREE_BYTES else ""
