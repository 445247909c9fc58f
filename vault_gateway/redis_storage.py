"""Redis or a Redis Cluster, where rates are counted for several processes. Only a gateway that has one imports this
and, with it, the library of its client."""

from __future__ import annotations

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
