"""What is left of a quota, and what of it a process has taken beforehand."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass, replace

# Of a rate a process takes one of so many shares at once, and it keeps so many at most.
SHARES, _MOST = 1000, 20_000
_LATELY_S = 1.0


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a quota: `remaining` calls for `reset_s` seconds. `local` where this process counted alone
    although it should not."""

    quota: int
    window_s: int
    remaining: int
    reset_s: int
    local: bool = False

    def headers(self, name: str) -> dict[str, str]:
        """The fields of the IETF draft on RateLimit headers (draft-ietf-httpapi-ratelimit-headers)."""
        policy = f'"{name}-local"' if self.local else f'"{name}"'
        return {
            "RateLimit-Policy": f"{policy};q={self.quota};w={self.window_s}",
            "RateLimit": f"{policy};r={self.remaining};t={self.reset_s}",
        }


@dataclass(slots=True)
class _Lease:
    """Calls that are counted already: `left` of them may be made until a time of the monotonic clock. `allowance` is
    what remains without them."""

    left: int
    until: float
    allowance: Allowance


class Leases:
    """By the key of a window. Thread-safe."""

    def __init__(self) -> None:
        self._leases: dict[str, _Lease] = {}
        self._lock = threading.Lock()

    def take(self, key: str) -> Allowance | None:
        """One call of what is kept; None where nothing is."""
        with self._lock:
            lease = self._leases.get(key)
            left_s = 0.0 if lease is None else lease.until - time.monotonic()
            if lease is None or lease.left == 0 or left_s <= 0:
                return None
            lease.left -= 1
            remaining = lease.allowance.remaining + lease.left
        return replace(lease.allowance, remaining=remaining, reset_s=max(1, math.ceil(left_s)))

    def keep(self, key: str, left: int, window_s: float, allowance: Allowance) -> None:
        """For as long as the window lasts, beside what another thread has taken of it at the same moment."""
        now = time.monotonic()
        with self._lock:
            if len(self._leases) >= _MOST:
                self._leases = {key: one for key, one in self._leases.items() if one.until > now and one.left}
            beside = self._leases.get(key)
            if beside is not None and beside.until > now:
                left += beside.left
            self._leases[key] = _Lease(left, now + window_s, allowance)


class Looks:
    """Keys of windows in which something was left within the last second. Thread-safe: each step is one of the
    dictionary's own."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def good(self, key: str) -> bool:
        return self._until.get(key, 0.0) > time.monotonic()

    def keep(self, key: str) -> None:
        if len(self._until) >= _MOST:
            self._until = {}
        self._until[key] = time.monotonic() + _LATELY_S

    def forget(self, key: str) -> None:
        self._until.pop(key, None)
