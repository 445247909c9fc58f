"""Counting in this process: cheap for each call, and nothing stays for ever."""

from __future__ import annotations

import threading
import time

import pytest

from vault_gateway import limits
from vault_gateway.limits import Limits


def test_calls_start_no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    counting = Limits(None)
    started: list[threading.Thread] = []
    begin = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        started.append(thread)
        begin(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    until = time.monotonic() + 0.1
    while time.monotonic() < until:
        counting.spend("calls", "1000000/minute", "somebody")
        counting.spend_moving("moves", "1000000/minute", "somebody")
    assert len(started) <= 1


def test_what_has_expired_leaves_although_nobody_asks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_LOOKED_THROUGH_EVERY_S", 0.02)
    counting = Limits(None)
    storage = counting._local.storage
    assert isinstance(storage, limits._Memory)
    for number in range(50):
        counting.spend("calls", "1/second", f"caller {number}")
    deadline = time.monotonic() + 20
    while len(storage.expirations) > 1:
        # Somebody else's call is what starts the look.
        counting.spend("others", "1000000/minute", "somebody")
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_who_comes_while_the_look_is_being_prepared_disturbs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    counting = Limits(None)
    storage = counting._local.storage
    assert isinstance(storage, limits._Memory)
    storage.timer.join()

    class Timer(threading.Timer):
        def __setattr__(self, name: str, value: object) -> None:
            super().__setattr__(name, value)
            if name == "daemon":
                monkeypatch.undo()
                counting.spend("calls", "1000000/minute", "somebody else")

    monkeypatch.setattr(threading, "Timer", Timer)
    counting.spend("calls", "1000000/minute", "somebody")


def test_what_is_let_go_during_the_look_is_not_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    storage = Limits(None)._local.storage
    assert isinstance(storage, limits._Memory)

    class Going(dict[str, float]):
        def __getitem__(self, key: str) -> float:
            raise KeyError(key)

    monkeypatch.setattr(storage, "expirations", Going({"somebody": 0.0}))
    storage._look_through()
