"""How every process of this program logs."""

from __future__ import annotations

import logging
import sys
from typing import TextIO

import structlog


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
