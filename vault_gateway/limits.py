"""Rates over time windows: in this process, or in Redis for several processes."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import FixedWindowRateLimiter

from vault_gateway.errors import GatewayError, unavailable


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a quota: `remaining` calls for `reset_s` seconds."""

    quota: int
    window_s: int
    remaining: int
    reset_s: int

    def headers(self, name: str) -> dict[str, str]:
        """The fields of the IETF draft on RateLimit headers (draft-ietf-httpapi-ratelimit-headers)."""
        return {
            "RateLimit-Policy": f'"{name}";q={self.quota};w={self.window_s}',
            "RateLimit": f'"{name}";r={self.remaining};t={self.reset_s}',
        }


class Limits:
    """Counts calls. Without an answer from Redis nothing is let through: the caller hears 503."""

    def __init__(self, redis_url: str | None) -> None:
        self._storage = (
            MemoryStorage()
            if redis_url is None
            else RedisStorage(redis_url, wrap_exceptions=True, socket_timeout=1, socket_connect_timeout=1)
        )
        self._limiter = FixedWindowRateLimiter(self._storage)

    def spend(self, name: str, rate: str, who: str) -> Allowance:
        """Counts one call of `who`; raises 429 `rate_limited` with Retry-After once `rate` is used up."""
        item = parse(rate)
        try:
            allowed = self._limiter.hit(item, name, who)
            allowance = self._allowance(item, name, who)
        except StorageError:
            raise unavailable("redis") from None
        if not allowed:
            raise too_many(allowance.reset_s)
        return allowance

    def require_left(self, name: str, rate: str, who: str) -> None:
        """Raises 429 when nothing is left, without counting."""
        item = parse(rate)
        try:
            left = self._limiter.test(item, name, who)
            reset_s = 0 if left else self._allowance(item, name, who).reset_s
        except StorageError:
            raise unavailable("redis") from None
        if not left:
            raise too_many(reset_s)

    def reachable(self) -> bool:
        return bool(self._storage.check())

    def _allowance(self, item: RateLimitItem, name: str, who: str) -> Allowance:
        reset_at, remaining = self._limiter.get_window_stats(item, name, who)
        return Allowance(item.amount, item.get_expiry(), remaining, max(1, math.ceil(reset_at - time.time())))


def too_many(retry_after: int) -> GatewayError:
    return GatewayError("rate_limited", 429, "Too many requests. Try again later.", retry_after=retry_after)
