"""Rates over time windows: in this process, or in Redis for several processes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import FixedWindowRateLimiter
from redis.backoff import NoBackoff
from redis.retry import Retry

from vault_gateway import metrics
from vault_gateway.errors import GatewayError, unavailable

T = TypeVar("T")

# An answer takes a millisecond. After a failure nobody asks for a moment, or each request would wait this long.
_ANSWERS_WITHIN_S = 0.5
_LEFT_ALONE_S = 1.0


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


class Limits:
    """Counts calls. Without an answer from Redis the caller hears 503; where `local_will_do`, this process counts
    alone meanwhile, from nothing and with the same rate."""

    def __init__(self, redis_url: str | None) -> None:
        self._local = FixedWindowRateLimiter(MemoryStorage())
        self._redis = None if redis_url is None else _redis(redis_url)
        self._shared = None if self._redis is None else FixedWindowRateLimiter(self._redis)
        self._left_alone_until = 0.0

    def spend(self, name: str, rate: str, who: str, *, local_will_do: bool = False) -> Allowance:
        """Counts one call of `who`; raises 429 `rate_limited` with Retry-After once `rate` is used up."""
        item = parse(rate)

        def count(limiter: FixedWindowRateLimiter) -> tuple[bool, Allowance]:
            return limiter.hit(item, name, who), _allowance(limiter, item, name, who)

        (allowed, allowance), local = self._counted(count, local_will_do)
        if not allowed:
            raise too_many(allowance.reset_s)
        if local:
            return Allowance(
                allowance.quota, allowance.window_s, allowance.remaining, allowance.reset_s, local=True
            )
        return allowance

    def require_left(self, name: str, rate: str, who: str, *, local_will_do: bool = False) -> None:
        """Raises 429 when nothing is left, without counting."""
        item = parse(rate)

        def look(limiter: FixedWindowRateLimiter) -> int:
            return 0 if limiter.test(item, name, who) else _allowance(limiter, item, name, who).reset_s

        reset_s, _ = self._counted(look, local_will_do)
        if reset_s:
            raise too_many(reset_s)

    def state(self) -> Literal["ok", "local"]:
        """`local` while Redis is away: what must be counted exactly is refused, the rest is counted here."""
        if self._redis is None:
            return "ok"
        away = time.monotonic() < self._left_alone_until or not self._redis.check()
        return "local" if away else "ok"

    def _counted(self, count: Callable[[FixedWindowRateLimiter], T], local_will_do: bool) -> tuple[T, bool]:
        """What `count` says, and whether it had to be asked of this process alone."""
        if self._shared is None:
            return count(self._local), False
        if time.monotonic() >= self._left_alone_until:
            try:
                return count(self._shared), False
            except StorageError:
                self._left_alone_until = time.monotonic() + _LEFT_ALONE_S
        metrics.LIMITS_WITHOUT_REDIS.labels("local" if local_will_do else "refused").inc()
        if not local_will_do:
            raise unavailable("redis")
        return count(self._local), True


def _redis(url: str) -> RedisStorage:
    # One new connection at once, for the old one may be of before a restart; its own default waits for seconds.
    return RedisStorage(
        url,
        wrap_exceptions=True,
        socket_timeout=_ANSWERS_WITHIN_S,
        socket_connect_timeout=_ANSWERS_WITHIN_S,
        retry=Retry(NoBackoff(), 1),  # type: ignore[arg-type]  # handed on to redis-py as it is
    )


def _allowance(limiter: FixedWindowRateLimiter, item: RateLimitItem, name: str, who: str) -> Allowance:
    reset_at, remaining = limiter.get_window_stats(item, name, who)
    return Allowance(item.amount, item.get_expiry(), remaining, max(1, math.ceil(reset_at - time.time())))


def too_many(retry_after: int) -> GatewayError:
    return GatewayError("rate_limited", 429, "Too many requests. Try again later.", retry_after=retry_after)
