"""A few threads that take work from a queue, so that the loop of SIP messages never waits for the gateway."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

import structlog

log = structlog.get_logger("vault_gateway.sip")

Work = Callable[[], None]

_CROWD = 4
_HOLDS_BACK_FOR_S = 1.0


class Workers:
    """`at_most` pieces of work wait; more are refused. While the workers `before` them are crowded, these hold back,
    each time for a while at most. The threads end with the process."""

    def __init__(self, name: str, threads: int, at_most: int, *, before: Workers | None = None) -> None:
        self._name = name
        self._before = before
        self._queue: queue.Queue[Work] = queue.Queue(at_most)
        for number in range(threads):
            threading.Thread(target=self._run, name=f"{name}-{number}", daemon=True).start()

    def take(self, work: Work) -> bool:
        """False where too much waits already."""
        try:
            self._queue.put_nowait(work)
        except queue.Full:
            return False
        return True

    def drain(self, within_s: float) -> int:
        """Waits for what was taken; how much of it that was not enough time for."""
        until = time.monotonic() + within_s
        while self._queue.unfinished_tasks and time.monotonic() < until:
            time.sleep(0.02)
        return self._queue.unfinished_tasks

    @property
    def is_crowded(self) -> bool:
        return self._queue.unfinished_tasks > _CROWD

    def _let_others_pass(self) -> None:
        until = time.monotonic() + _HOLDS_BACK_FOR_S
        while self._before is not None and self._before.is_crowded and time.monotonic() < until:
            time.sleep(0.01)

    def _run(self) -> None:
        while True:
            work = self._queue.get()
            self._let_others_pass()
            try:
                work()
            except Exception as error:  # noqa: BLE001 - a thread that ends would serve no further call
                # Its text may hold a number.
                log.error("work failed", workers=self._name, error=type(error).__name__)
            finally:
                self._queue.task_done()
