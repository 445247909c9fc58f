"""Rates over time windows: in this process, or in Redis or a Redis Cluster for several processes."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, Protocol, TypeVar

from limits import RateLimitItem
from limits import parse as parse_rate
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter, RateLimiter

from vault_gateway import metrics
from vault_gateway.allowances import SHARES, Allowance, Leases, Looks
from vault_gateway.errors import GatewayError, unavailable

T = TypeVar("T")
# The limit's name, its rate, and whose it is.
Rated = tuple[str, str, str]

# The same few rates for ever.
parse = lru_cache(maxsize=256)(parse_rate)

# After a failure nobody asks for a moment, or each request would wait for an answer.
_LEFT_ALONE_S = 1.0
_LOOKED_THROUGH_EVERY_S = 10.0


class Counting(Protocol):
    """What is asked of fixed windows most often, each in one step. Keys are those of `limits`."""

    def count_up(self, key: str, window_s: int, by: int) -> tuple[int, float]:
        """How many there are in this window now, and until which time of the epoch they count."""

    def count_up_beside(self, key: str, window_s: int, other: str) -> tuple[int, int]:
        """One more, and how many of `other` there are."""


@dataclass(frozen=True, slots=True)
class _Windows:
    """Both kinds of windows on one storage. A fixed one costs less; where a burst at its edge would matter, a moving
    one is asked."""

    storage: MemoryStorage | RedisStorage
    counting: Counting
    fixed: RateLimiter
    moving: RateLimiter


class _Memory(MemoryStorage):
    """That of `limits` starts a thread for nearly every call, which looks through all that is counted, and the call
    waits until it runs. Here one looks through it now and then; what has expired counts for nothing before, too.

    Nor does it count exactly: one call may take what another has just begun to count for expired."""

    def __init__(self) -> None:
        super().__init__()
        self._counting = threading.RLock()

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        with self._counting:
            return super().incr(key, expiry, amount)

    def get(self, key: str) -> int:
        with self._counting:
            return super().get(key)

    def count_up(self, key: str, window_s: int, by: int) -> tuple[int, float]:
        with self._counting:
            return self.incr(key, window_s, by), self.get_expiry(key)

    def count_up_beside(self, key: str, window_s: int, other: str) -> tuple[int, int]:
        return self.incr(key, window_s), self.get(other)

    def _MemoryStorage__schedule_expiry(self) -> None:  # noqa: N802 - the name by which the library calls it
        if not self.timer.is_alive():
            # By a name of its own: others may come here at the same moment, and a thread starts only once.
            timer = threading.Timer(_LOOKED_THROUGH_EVERY_S, self._look_through)
            timer.daemon = True
            self.timer = timer
            timer.start()

    def _look_through(self) -> None:
        # What somebody else lets go meanwhile is missed, and its name, which is a caller's, would be printed.
        with suppress(KeyError):
            self._MemoryStorage__expire_events()  # type: ignore[attr-defined]  # private to the library


def _windows(storage: MemoryStorage | RedisStorage, counting: Counting) -> _Windows:
    return _Windows(storage, counting, FixedWindowRateLimiter(storage), MovingWindowRateLimiter(storage))


class Limits:
    """Counts calls. Without an answer from Redis the caller hears 503; where `local_will_do`, this process counts
    alone meanwhile, from nothing and with the same rate."""

    def __init__(self, redis_url: str | None) -> None:
        memory = _Memory()
        self._local = _windows(memory, memory)
        self._redis_url = redis_url
        self._shared: _Windows | None = None
        self._away: tuple[type[Exception], ...] = ()
        if redis_url is not None:
            from vault_gateway import redis_storage

            self._redis, self._away = redis_storage, redis_storage.AWAY
        self._connecting = threading.Lock()
        self._left_alone_until = 0.0
        self._leases = Leases()
        self._looks = Looks()

    def spend(self, name: str, rate: str, who: str, *, local_will_do: bool = False) -> Allowance:
        """Counts one call of `who`; raises 429 `rate_limited` with Retry-After once `rate` is used up.

        Of a high rate a process takes a thousandth at once from Redis, for the calls that come next: never more than
        the rate are made, and a few less may be where several processes hold some. Not where only Redis will do: what
        was taken before would go on without it."""
        item = parse(rate)
        key, window_s = item.key_for(name, who), item.get_expiry()
        self._looks.forget(key)
        shares = self._redis_url is not None and local_will_do
        size = max(1, item.amount // SHARES) if shares else 1
        if size > 1 and (allowance := self._leases.take(key)) is not None:
            return allowance
        (count, until), local = self._counted(
            lambda windows: windows.counting.count_up(key, window_s, size), local_will_do
        )
        allowance = replace(_allowance(item, item.amount - count, until), local=local)
        left = size - max(0, count - item.amount) - 1
        if left < 0:
            raise too_many(name, allowance.reset_s)
        if left:
            self._leases.keep(key, left, until - time.time(), allowance)
        return replace(allowance, remaining=allowance.remaining + left)

    def spend_moving(
        self, name: str, rate: str, who: str, count: int = 1, *, local_will_do: bool = False
    ) -> None:
        """The same for `count` things at once, all or none, and for every stretch of time as long as the window."""
        item = parse(rate)

        def hit(windows: _Windows) -> int:
            if windows.moving.hit(item, name, who, cost=count):
                return 0
            return _reset_s(windows.moving, item, name, who)

        reset_s, _ = self._counted(hit, local_will_do)
        if reset_s:
            raise too_many(name, reset_s)

    def require_left(
        self, name: str, rate: str, who: str, *, local_will_do: bool = False, lately_will_do: bool = False
    ) -> None:
        """Raises 429 when nothing is left, without counting.

        Where `lately_will_do`, Redis is not asked again within a second, unless this process counted one of them: of
        several processes each may let one more through than was left."""
        item = parse(rate)
        key = item.key_for(name, who)
        if lately_will_do and self._looks.good(key):
            return

        def look(windows: _Windows) -> int:
            left = windows.fixed.test(item, name, who)
            return 0 if left else _reset_s(windows.fixed, item, name, who)

        reset_s, local = self._counted(look, local_will_do)
        if reset_s:
            raise too_many(name, reset_s)
        if lately_will_do and self._redis_url is not None and not local:
            self._looks.keep(key)

    def take(self, name: str, rate: str, who: str) -> bool:
        """Counts one call of `who`, in the same step in which it is seen that one is left; else False, and nothing is
        counted. For what `give_back` may undo."""
        item = parse(rate)

        def hit(windows: _Windows) -> bool:
            if windows.fixed.hit(item, name, who):
                return True
            _take_off(windows, item, name, who)
            return False

        taken, _ = self._counted(hit, local_will_do=False)
        if not taken:
            metrics.RATE_LIMITED.labels(name).inc()
        return taken

    def take_and_look(self, one: Rated, other: Rated) -> tuple[bool, bool]:
        """`take` of the one, and whether any of the other is left."""
        item, look = parse(one[1]), parse(other[1])
        key, beside = item.key_for(one[0], one[2]), look.key_for(other[0], other[2])

        def hit(windows: _Windows) -> tuple[bool, bool]:
            count, others = windows.counting.count_up_beside(key, item.get_expiry(), beside)
            if count > item.amount:
                _take_off(windows, item, one[0], one[2])
            return count <= item.amount, others < look.amount

        (taken, left), _ = self._counted(hit, local_will_do=False)
        if not taken:
            metrics.RATE_LIMITED.labels(one[0]).inc()
        return taken, left

    def give_back(self, name: str, rate: str, who: str) -> None:
        """One that was taken, and turned out not to count."""
        item = parse(rate)
        self._counted(lambda windows: _take_off(windows, item, name, who), local_will_do=False)

    def has_left(self, name: str, rate: str, who: str) -> bool:
        item = parse(rate)
        left, _ = self._counted(lambda windows: windows.fixed.test(item, name, who), local_will_do=False)
        return left

    def state(self) -> Literal["ok", "local"]:
        """`local` while Redis is away: what must be counted exactly is refused, the rest is counted here."""
        if self._redis_url is None:
            return "ok"
        if time.monotonic() < self._left_alone_until:
            return "local"
        try:
            return "ok" if self._connected(self._redis_url).storage.check() else "local"
        except self._away:
            return "local"

    def _counted(self, count: Callable[[_Windows], T], local_will_do: bool) -> tuple[T, bool]:
        """What `count` says, and whether it had to be asked of this process alone."""
        if self._redis_url is None:
            return count(self._local), False
        if time.monotonic() >= self._left_alone_until:
            try:
                return count(self._connected(self._redis_url)), False
            except self._away:
                self._left_alone_until = time.monotonic() + _LEFT_ALONE_S
        metrics.LIMITS_WITHOUT_REDIS.labels("local" if local_will_do else "refused").inc()
        if not local_will_do:
            raise unavailable("redis")
        return count(self._local), True

    def _connected(self, url: str) -> _Windows:
        """Not at the start: a cluster is asked for its nodes at once, and a gateway starts without one too."""
        if self._shared is None:
            with self._connecting:
                if self._shared is None:
                    storage = self._redis.connect(url)
                    self._shared = _windows(storage, self._redis.counting(storage))
        return self._shared


def _take_off(windows: _Windows, item: RateLimitItem, name: str, who: str) -> None:
    windows.storage.incr(item.key_for(name, who), item.get_expiry(), -1)


def _reset_s(limiter: RateLimiter, item: RateLimitItem, name: str, who: str) -> int:
    return _seconds_until(limiter.get_window_stats(item, name, who).reset_time)


def _allowance(item: RateLimitItem, remaining: int, until: float) -> Allowance:
    return Allowance(item.amount, item.get_expiry(), max(0, remaining), _seconds_until(until))


def _seconds_until(at: float) -> int:
    return max(1, math.ceil(at - time.time()))


def too_many(name: str, retry_after: int) -> GatewayError:
    """`name` is for the metric: the caller hears how long to wait, not which of its limits it was."""
    metrics.RATE_LIMITED.labels(name).inc()
    return GatewayError("rate_limited", 429, "Too many requests. Try again later.", retry_after=retry_after)
