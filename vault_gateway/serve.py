"""The production server: gunicorn around `create_app`, a worker of threads or several of them."""

from __future__ import annotations

import logging
import sys
import tempfile
from os import environ
from typing import Any, TextIO

import structlog
from flask import Flask
from gunicorn.app.base import BaseApplication

from vault_gateway.app import create_app
from vault_gateway.settings import Settings


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn with the application made in each worker, after the fork: no connection is shared."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        for name, value in options(self._settings).items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return create_app(self._settings)


def options(settings: Settings) -> dict[str, Any]:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return {
        "bind": f"{host}:{settings.port}",
        "workers": settings.workers,
        "worker_class": "gthread",
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
        "forwarded_allow_ips": "",
        "preload_app": False,
    }


def configure_logging(*, as_json: bool, file: TextIO = sys.stderr) -> None:
    """One line an event, on stderr; no exception texts: those may quote a value."""
    renderer = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=file),
        cache_logger_on_first_use=True,
    )


def serve(settings: Settings) -> None:
    """Serves until a signal ends it."""
    configure_logging(as_json=settings.log_json)
    if settings.workers > 1 and "PROMETHEUS_MULTIPROC_DIR" not in environ:
        environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="vault-gateway-metrics-")
    Server(settings).run()
