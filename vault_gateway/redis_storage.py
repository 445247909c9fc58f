"""Redis or a Redis Cluster, where rates are counted for several processes. Only a gateway that has one imports this
and, with it, the library of its client."""

from __future__ import annotations

import time

from limits.errors import StorageError
from limits.storage import RedisClusterStorage, RedisStorage
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisClusterException, RedisError
from redis.retry import Retry

_CLUSTER_SCHEME = "redis+cluster://"
# What it means that there is no answer.
AWAY = (StorageError, RedisError, RedisClusterException)
# An answer takes a millisecond.
_ANSWERS_WITHIN_S = 0.5
# The library asks for each of these by itself, three times the way there and back for every request.
_COUNT_UP = b"""
local count = redis.call('incrby', KEYS[1], ARGV[2])
if count == tonumber(ARGV[2]) then redis.call('expire', KEYS[1], ARGV[1]) end
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


class Counting:
    """On fixed windows of the library's, under its keys."""

    def __init__(self, storage: RedisStorage) -> None:
        self._storage = storage
        self._script = storage.get_connection().register_script(_COUNT_UP)

    def count_up(self, key: str, window_s: int, by: int) -> tuple[int, float]:
        count, left_ms = self._script([self._storage.prefixed_key(key)], [window_s, by])
        return int(count), time.time() + max(left_ms, 0) / 1000

    def count_up_beside(self, key: str, window_s: int, other: str) -> tuple[int, int]:
        return self.count_up(key, window_s, 1)[0], self._storage.get(other)


class _CountingAtOnce(Counting):
    """In one message: on a single server, for a cluster may keep the two in different places."""

    def count_up_beside(self, key: str, window_s: int, other: str) -> tuple[int, int]:
        pipe = self._storage.storage.pipeline(transaction=False)
        pipe.get(self._storage.prefixed_key(other))
        pipe.evalsha(self._script.sha, 1, self._storage.prefixed_key(key), window_s, 1)
        try:
            others, (count, _) = pipe.execute()
        except NoScriptError:
            # A server that has just started.
            return super().count_up_beside(key, window_s, other)
        return int(count), int(others or 0)


def counting(storage: RedisStorage) -> Counting:
    return Counting(storage) if isinstance(storage, RedisClusterStorage) else _CountingAtOnce(storage)
