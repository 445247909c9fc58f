"""A whole embedded instance: engines up, Vault provisioned, schema current, settings for the gateway."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import psycopg
from psycopg.conninfo import make_conninfo

from vault_gateway.embedded.engines import Endpoints, Engines
from vault_gateway.embedded.errors import EngineError
from vault_gateway.embedded.folder import Lock, holder, read_json, write_secret_json
from vault_gateway.keys import Credential, KeyFault, KeysUnavailable, provision
from vault_gateway.model import utc_now
from vault_gateway.schema import migrate
from vault_gateway.settings.environment import redis_of_environment
from vault_gateway.settings.model import Settings
from vault_gateway.settings.policies import default_policies, policies_folder

APP_LOGIN = "vault_gateway"
# The embedded listener takes 20,000 JSON strings in a body, an item with its context is four.
BATCH_ITEMS = 4000


class Instance:
    """Engines in `data`, and what a gateway of so many workers needs to use them. A context manager: leaving stops
    the engines."""

    def __init__(self, data: Path, *, workers: int = 1) -> None:
        self._workers = workers
        # One of the operator's own counts as well.
        self._redis_url = redis_of_environment()
        self.engines = Engines(data, with_redis=workers > 1 and self._redis_url is None)
        self._secrets = data / "secrets" / "gateway.json"
        self._running = data / "secrets" / "running.json"
        self._endpoints: Endpoints | None = None
        self._credentials: Mapping[str, Credential] = {}
        self._password = ""

    def __enter__(self) -> Instance:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        try:
            endpoints = self._endpoints = self.engines.start()
            self._bootstrap(endpoints)
            migrate(endpoints.admin_dsn, utc_now(), app_login=(APP_LOGIN, self._password))
            where = {"vault_addr": endpoints.vault_addr, "admin_dsn": endpoints.admin_dsn, "pid": os.getpid()}
            write_secret_json(self._running, where)
        except (KeysUnavailable, KeyFault, psycopg.Error) as error:
            ended = self.engines.poll()
            self.stop()
            raise EngineError(ended or f"{self.engines.data} cannot be used: {_told(error)}") from None
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        # Where the start was refused because somebody else has the folder, the file is theirs.
        if self._endpoints is not None:
            self._running.unlink(missing_ok=True)
            self._endpoints = None
        self.engines.stop()

    def settings(self, *, host: str = "127.0.0.1", port: int = 8080) -> Settings:
        return Settings(
            database_url=make_conninfo(self.endpoints.admin_dsn, user=APP_LOGIN, password=self._password),
            admin_database_url=self.endpoints.admin_dsn,
            vault_addr=self.endpoints.vault_addr,
            vault_batch_items=BATCH_ITEMS,
            redis_url=self._redis_url or self.endpoints.redis_url,
            workers=self._workers,
            identities=self._credentials,
            policies=policies_folder(),
            host=host,
            port=port,
        )

    @property
    def endpoints(self) -> Endpoints:
        assert self._endpoints is not None, "start() comes first"
        return self._endpoints

    def _bootstrap(self, endpoints: Endpoints) -> None:
        """Provisions Vault while the root token is there, keeps what that gave, and only then lets go of it: a
        crash in between begins here again."""
        saved = read_json(self._secrets)
        self._password = str(saved["database_password"]) if saved else secrets.token_urlsafe(24)
        if endpoints.vault_root_token is not None:
            kept = _credentials(saved.get("identities", {})) if saved else None
            self._credentials = provision(
                endpoints.vault_addr, endpoints.vault_root_token, policies=default_policies(), kept=kept
            )
            identities = {name: [c.role_id, c.secret_id] for name, c in self._credentials.items()}
            write_secret_json(self._secrets, {"database_password": self._password, "identities": identities})
            self.engines.finish_bootstrap()
        elif not saved:
            raise EngineError(f"{self._secrets} is missing, and with it the way to the keys: restore it.")
        else:
            self._credentials = _credentials(saved["identities"])


def _told(error: Exception) -> str:
    """A line without what a server said: that may quote values."""
    if isinstance(error, psycopg.Error):
        return f"PostgreSQL does not do what is asked (SQLSTATE {error.sqlstate or 'none'})"
    return f"OpenBao does not do what is asked ({error})"


@contextmanager
def administer(data: Path) -> Iterator[Settings]:
    """The settings of the instance in `data`: of the running one, or of one that is started for the while."""
    if not (data / "secrets" / "gateway.json").exists():
        raise EngineError(f"there is no instance in {data}: `vault-gateway up --data {data}` makes one.")
    lock = Lock(data)
    try:
        lock.take()
    except EngineError:
        yield _settings_of_running(data)
        return
    lock.release()
    with Instance(data) as instance:
        yield instance.settings()


def _settings_of_running(data: Path) -> Settings:
    where = read_json(data / "secrets" / "running.json")
    # A killed run leaves its file until the next one is up.
    if not where or where["pid"] != holder(data):
        raise EngineError(f"the instance in {data} is starting or stopping: try again in a moment.")
    saved = read_json(data / "secrets" / "gateway.json")
    return Settings(
        database_url=where["admin_dsn"],
        admin_database_url=where["admin_dsn"],
        vault_addr=where["vault_addr"],
        identities=_credentials(saved["identities"]),
        policies=policies_folder(),
    )


def _credentials(saved: Mapping[str, list[str]]) -> dict[str, Credential]:
    return {name: Credential(role_id, secret_id) for name, (role_id, secret_id) in saved.items()}
