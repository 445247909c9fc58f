"""The retry law: what is repeated, when, and for how long. No I/O: the clock and the sending are given.

| what happened                               | repeated                               |
|---------------------------------------------|----------------------------------------|
| nothing was sent (no connection)            | always                                 |
| 429 with Retry-After, 409 request_in_flight | always: the request was not carried out |
| the answer was lost, 502, 503, 504          | only what is safe to carry out twice   |
| anything else                               | never                                  |

Each wait is at least Retry-After and otherwise random up to a bound that doubles, so that many clients do not
come back together. A wait that would pass the deadline is not begun: the last answer stands.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vault_gateway.client.errors import Unreachable

FIRST_BACKOFF_S = 0.1
LONGEST_BACKOFF_S = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. `after_loss`: an earlier try of the same request may have been carried out."""

    status: int
    body: dict[str, Any]
    retry_after: float | None = None
    after_loss: bool = False


class Lost(Exception):
    """A try without a whole answer. `sent`: the request may have arrived. `hopeless`: the next try fails alike."""

    def __init__(self, reason: str, *, sent: bool, hopeless: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sent = sent
        self.hopeless = hopeless


@dataclass(frozen=True, slots=True)
class RetryLaw:
    """`clock` and `sleep` in seconds; `jitter` gives a random number from 0 to its argument."""

    deadline_s: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[float], float] = lambda bound: random.uniform(0, bound)  # noqa: S311 - spreads load only

    def carry_out(self, send: Callable[[float], Answer], *, repeatable: bool) -> Answer:
        """`send(seconds_left)` until there is an answer to keep; raises Unreachable where there is none."""
        until = self.clock() + self.deadline_s
        maybe_done = False
        for attempt in itertools.count():
            answer: Answer | None = None
            try:
                answer = send(until - self.clock())
                wait = self._wait(answer, attempt, repeatable=repeatable)
                reason = ""
            except Lost as lost:
                maybe_done, reason = maybe_done or lost.sent, lost.reason
                again = not lost.hopeless and (repeatable or not lost.sent)
                wait = self._backoff(attempt) if again else None
            if wait is None or self.clock() + wait >= until:
                if answer is None:
                    raise Unreachable(reason, maybe_done=maybe_done)
                return Answer(answer.status, answer.body, answer.retry_after, after_loss=maybe_done)
            self.sleep(wait)
        raise AssertionError("counting does not end")

    def _wait(self, answer: Answer, attempt: int, *, repeatable: bool) -> float | None:
        in_flight = answer.status == 409 and answer.body.get("code") == "request_in_flight"
        asked_to_wait = answer.status == 429 and answer.retry_after is not None
        unavailable = answer.status in (502, 503, 504) and repeatable
        if not (in_flight or asked_to_wait or unavailable):
            return None
        return (answer.retry_after or 0.0) + self._backoff(attempt)

    def _backoff(self, attempt: int) -> float:
        return self.jitter(min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2.0 ** min(attempt, 16)))
