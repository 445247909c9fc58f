"""Look-ups come first, for a caller waits for them; records may be late, but not for ever."""

from __future__ import annotations

import threading

import pytest

from vault_gateway.sip import workers
from vault_gateway.sip.workers import Workers

CROWD = 8


def crowded(done: list[str], gate: threading.Event) -> Workers:
    def look_up() -> None:
        gate.wait()
        done.append("look-up")

    look_ups = Workers("look-ups", 1, 100)
    for _ in range(CROWD):
        assert look_ups.take(look_up)
    return look_ups


def test_records_let_a_crowd_of_look_ups_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_HOLDS_BACK_FOR_S", 60.0)
    done: list[str] = []
    gate = threading.Event()
    look_ups = crowded(done, gate)
    records = Workers("records", 1, 100, before=look_ups)
    assert records.take(lambda: done.append("record"))
    gate.set()
    assert look_ups.drain(30) == records.drain(30) == 0
    # As soon as it is no crowd any more.
    assert done.index("record") >= CROWD - workers._CROWD
    assert len(done) == CROWD + 1


def test_records_do_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_HOLDS_BACK_FOR_S", 0.05)
    done: list[str] = []
    gate = threading.Event()
    look_ups = crowded(done, gate)
    records = Workers("records", 1, 100, before=look_ups)
    assert records.take(lambda: done.append("record"))
    assert records.drain(30) == 0
    assert done == ["record"]
    assert look_ups.drain(0) == CROWD
    gate.set()
    assert look_ups.drain(30) == 0


def test_what_is_too_much_is_refused_and_what_fails_ends_nothing() -> None:
    gate, taken = threading.Event(), threading.Event()

    def hold() -> None:
        taken.set()
        gate.wait()
        raise ValueError

    few = Workers("few", 1, 1)
    assert few.take(hold)
    assert taken.wait(30)
    assert few.take(lambda: None)
    assert not few.take(lambda: None)
    gate.set()
    assert few.drain(30) == 0
    assert few.take(lambda: None)
    assert few.drain(30) == 0
