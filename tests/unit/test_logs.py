"""What happens to a request whose line of the log cannot be written: nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

import pytest
import structlog

from vault_gateway.logs import configure_logging


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@contextmanager
def opened(descriptor: int) -> Iterator[TextIO]:
    file = os.fdopen(descriptor, "w", encoding="utf-8", buffering=1)
    try:
        yield file
    finally:
        # It tries once more.
        with suppress(OSError):
            file.close()


@pytest.mark.parametrize("line", ["short", "x" * 20_000], ids=["short", "long"])
def test_a_full_disk_stops_nobody(line: str) -> None:
    with opened(os.open("/dev/full", os.O_WRONLY)) as full:
        configure_logging(as_json=True, file=full)
        for _ in range(3):
            structlog.get_logger("full").info(line)


def test_a_reader_that_has_gone_stops_nobody() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with opened(writing) as gone:
        configure_logging(as_json=True, file=gone)
        structlog.get_logger("gone").info("request")


def test_what_can_be_written_is(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w+", encoding="utf-8") as file:
        configure_logging(as_json=True, file=file)
        structlog.get_logger("there").info("request")
        file.seek(0)
        assert '"event": "request"' in file.read()
