"""Asks for the same with another id each time, and takes down all that an answer tells: status, headers, body, and
how much work was done for it."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from werkzeug.test import TestResponse

from tests.functional.guarantees.requests import Request
from tests.world import Actor
from vault_gateway import database
from vault_gateway.keys.server import Vault

# What differs from one answer to the next whatever was asked: ids made for it, times, and what is left of a rate.
_MADE = re.compile(
    r"\b(?:[a-z]{2}_)?[0-9a-hjkmnp-tv-z]{26}\b|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|2\d{3}-\d\d-\d\dT[0-9:.]+(?:Z|\+00:00)|1\*{6}\d{4}|\bDY[A-Z0-9]{8,}\b|\b[A-Z]{2}\d{12,}\b"
)
_LEFT = re.compile(r";[rt]=\d+")


@dataclass(order=True)
class Work:
    """Round trips to PostgreSQL and requests to Vault of one thread."""

    statements: int = 0
    vault: int = 0


@dataclass
class Meter:
    """Counts the work of the thread that asks; what a process does meanwhile for itself is not counted."""

    _here: threading.local = field(default_factory=threading.local)

    def begin(self) -> Work:
        work = self._here.work = Work()
        return work

    def count(self, what: str) -> None:
        work = getattr(self._here, "work", None)
        if work is not None:
            setattr(work, what, getattr(work, what) + 1)


@contextmanager
def metered() -> Iterator[Meter]:
    meter = Meter()
    waits, answers = database._BoundedConnection.wait, Vault._answer

    def wait(self: Any, *arguments: Any, **named: Any) -> Any:
        meter.count("statements")
        return waits(self, *arguments, **named)

    def answer(self: Any, *arguments: Any, **named: Any) -> Any:
        meter.count("vault")
        return answers(self, *arguments, **named)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(database._BoundedConnection, "wait", wait)
        patched.setattr(Vault, "_answer", answer)
        yield meter


def send(who: Actor, asked: Request) -> TestResponse:
    path = quote(asked.path, safe="/")
    if asked.query:
        path += f"?{urlencode(asked.query)}"
    if asked.text is not None:
        return who.call(asked.method, path, data=asked.text.encode(), headers={"Content-Type": "text/csv"})
    return who.call(asked.method, path, asked.body)


def told(answer: TestResponse, asked: str) -> tuple[int, str, tuple[tuple[str, str], ...]]:
    """Status, body and headers without what was asked for and what is new in each answer."""
    body = answer.data.decode("utf-8", "replace")
    neutral = _MADE.sub("~", body.replace(asked, "ASKED") if asked else body)
    headers = {name: _LEFT.sub("", value) for name, value in answer.headers.items() if name != "X-Request-Id"}
    # Follows from the body, in which the asked id may stand.
    if asked and asked in body:
        del headers["Content-Length"]
    return answer.status_code, neutral, tuple(sorted(headers.items()))


def seconds(who: Actor, asked: Request) -> float:
    began = time.perf_counter()
    send(who, asked)
    return time.perf_counter() - began
