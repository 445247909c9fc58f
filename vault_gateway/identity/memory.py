"""A short, bounded memory of who was admitted, so that a burst of requests asks the database once."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")

# What is revoked is refused everywhere within 5 s; the rest of that time is the request's own.
REMEMBER_S = 3.0
AT_MOST = 10_000


class Memory(Generic[T]):
    """Answers by digest of what was presented. The time counts from `asked`, taken before the question was put:
    the answer may be as old as that."""

    def __init__(self, *, at_most: int = AT_MOST) -> None:
        self._at_most = at_most
        self._lock = threading.Lock()
        self._answers: OrderedDict[bytes, tuple[float, T]] = OrderedDict()

    def recall(self, digest: bytes) -> T | None:
        with self._lock:
            known = self._answers.get(digest)
            if known is None:
                return None
            if time.monotonic() - known[0] >= REMEMBER_S:
                del self._answers[digest]
                return None
            return known[1]

    def keep(self, digest: bytes, answer: T, asked: float) -> None:
        with self._lock:
            self._answers[digest] = (asked, answer)
            self._answers.move_to_end(digest)
            while len(self._answers) > self._at_most:
                self._answers.popitem(last=False)
