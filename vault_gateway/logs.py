"""How every process of this program logs."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from typing import TextIO, cast

import structlog


class _Lossy:
    """A line that a full disk or a reader that has gone does not take is lost: what the line tells of was done, and its
    caller is to hear so. What must not be lost is an event, in the database."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._file.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._file.flush()


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
        logger_factory=structlog.WriteLoggerFactory(file=cast(TextIO, _Lossy(file))),
        cache_logger_on_first_use=True,
    )
