"""Redis or a Redis Cluster, where rates are counted for several processes. Only a gateway that has one imports this
and, with it, the library of its client."""

from __future__ import annotations

import time
from collections.abc import Callable

from limits.errors import StorageError
from limits.storage import RedisClusterStorage, RedisStorage
from redis.backoff import NoBackoff
from redis.exceptions import RedisClusterException, RedisError
from redis.retry import Retry

_CLUSTER_SCHEME = "redis+cluster://"
# What it means that there is no answer.
AWAY = (StorageError, RedisError, RedisClusterException)
# An answer takes a millisecond.
_ANSWERS_WITHIN_S = 0.5
# The library asks for each of these by itself, three times the way there and back for every request.
_COUNT_UP = b"""
local count = redis.call('incr', KEYS[1])
if count == 1 then redis.call('expire', KEYS[1], ARGV[1]) end
return {count, redis.call('pttl', KEYS[1])}
"""


def connect(url: str) -> RedisStorage:
    # One new connection at once, for the old one may be of before a restart; its own default waits for seconds.
    storage = RedisClusterStorage if url.startswith(_CLUSTER_SCHEME) else RedisStorage
    return storage(
        url,
        wrap_exceptions=True,
        socket_timeout=_ANSWERS_WITHIN_S,
        socket_connect_timeout=_ANSWERS_WITHIN_S,
        retry=Retry(NoBackoff(), 1),  # type: ignore[arg-type]  # handed on to redis-py as it is
    )


def counting_up(storage: RedisStorage) -> Callable[[str, int], tuple[int, float]]:
    """A hit on a fixed window of the library's, under its key, and what there is in it then."""
    script = storage.get_connection().register_script(_COUNT_UP)

    def count_up(key: str, expiry: int) -> tuple[int, float]:
        count, left_ms = script([storage.prefixed_key(key)], [expiry])
        return int(count), time.time() + max(left_ms, 0) / 1000

    return count_up
