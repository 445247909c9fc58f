"""The production server: gunicorn around `create_app`, a worker of threads or several of them."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import sys
import threading
from typing import Any, NoReturn

import structlog
from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from prometheus_client import multiprocess

from vault_gateway import metrics_folder
from vault_gateway.access.snapshot import Snapshot
from vault_gateway.app import create_app
from vault_gateway.errors import GatewayError, PolicyFileError
from vault_gateway.logs import configure_logging
from vault_gateway.rules import Rules, load_rules
from vault_gateway.schema import MigrationError
from vault_gateway.settings.model import Settings, SettingsError
from vault_gateway.worker import Worker

log = structlog.get_logger("vault_gateway.serve")


class Master(Arbiter):  # type: ignore[misc]  # gunicorn ships no types
    def handle_hup(self) -> None:
        """New policies, found good here before a worker hears of them. No worker is restarted: what is
        counted in its memory stays, and so does every connection."""
        if self.app.renew_policies():
            self.kill_workers(signal.SIGHUP)


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn with the application made in each worker, after the fork: no connection is shared. The policies are
    loaded and proven before it, once for all."""

    def __init__(self, settings: Settings, snapshot: Snapshot[Rules]) -> None:
        self._settings = settings
        self._snapshot = snapshot
        self._loading = threading.Lock()
        self._app: Flask | None = None
        super().__init__()

    def run(self) -> None:
        # Workers share what is there by now: where nobody looks through it for cycles, none of it is copied.
        gc.freeze()
        Master(self).run()

    def load_config(self) -> None:
        for name, value in options(self._settings).items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        try:
            with self._loading:
                self._app = create_app(self._settings, rules=self._snapshot.current())
            _collect_rarely()
            return self._app
        except (SettingsError, MigrationError, PolicyFileError) as error:
            _refuse(str(error))
        except GatewayError as error:
            _refuse(f"cannot start: {error.code}")

    def renew_policies(self) -> bool:
        """In the master: whether the policies on disk are good and in use from now on."""
        try:
            self._snapshot.renew()
        except (PolicyFileError, OSError, shutil.Error) as error:
            log.error("policies kept: the new ones cannot be used", reason=str(error))
            return False
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not end the server
            log.error("policies kept: the new ones cannot be used", reason=type(error).__name__)
            return False
        return True

    def take_policies(self) -> None:
        """In a worker: decides by what the master found good. One that is still starting does so when it has."""
        with self._loading:
            if self._app is None:
                return
            try:
                rules = self._snapshot.current()
            except PolicyFileError as error:
                # What the master could read cannot be read here, as when there are too many open files.
                log.warning("policies kept until the next signal", reason=str(error))
                return
            self._app.extensions["rules"].replace(rules)
        log.info("policies replaced", digest=rules.policies.digest)


def _collect_rarely() -> None:
    """Requests leave next to no cycles, but a batch makes many objects, and Python would look through all there are
    several times while it is read. What was made so far stays for good and is not looked at."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def _refuse(reason: str) -> NoReturn:
    """One line, and the status by which gunicorn knows not to try again."""
    print(f"vault-gateway: {reason}", file=sys.stderr, flush=True)  # noqa: T201 - for a person, not for the log
    sys.exit(Arbiter.WORKER_BOOT_ERROR)


def options(settings: Settings) -> dict[str, Any]:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return {
        "bind": f"{host}:{settings.port}",
        "workers": settings.workers,
        "worker_class": Worker,
        # The one whose faults `Worker` knows; gunicorn would take another where it is installed.
        "http_parser": "python",
        "threads": settings.threads,
        "timeout": 30,
        "graceful_timeout": 10,
        "keepalive": 30,
        # A path or a header may hold what a caller typed: our own log has the route instead.
        "accesslog": None,
        "errorlog": "-",
        "loglevel": "warning",
        "limit_request_line": 4094,
        "limit_request_fields": 64,
        # gunicorn would open a socket for its own tools in the home folder, one for all servers of a user.
        "control_socket_disable": True,
        "forwarded_allow_ips": "",
        "preload_app": False,
        "child_exit": _forget_worker,
        "on_exit": _forget_all,
    }


def _forget_worker(_server: Any, worker: Any) -> None:
    """What an ended worker counted stays in the sums; its gauges go."""
    if metrics_folder.VARIABLE in os.environ:
        multiprocess.mark_process_dead(worker.pid)


def _forget_all(_server: Any) -> None:
    metrics_folder.remove()


def serve(settings: Settings) -> None:
    """Serves until a signal ends it. Exit status 1 where it cannot start."""
    configure_logging(as_json=settings.log_json)
    snapshot = Snapshot(settings.policies, load_rules)
    ourselves = os.getpid()
    try:
        Server(settings, snapshot).run()
    except SystemExit as ended:
        # Workers pass here too on their way out, and gunicorn reads their status.
        if os.getpid() != ourselves:
            raise
        sys.exit(1 if ended.code else 0)
    finally:
        if os.getpid() == ourselves:
            snapshot.close()
