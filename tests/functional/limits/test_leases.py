"""What several processes take from Redis at once, and ask it at once, counts as exactly as one by one."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from secrets import token_hex

import pytest
from redis import Redis as RedisClient

from tests.functional.limits.conftest import Redis
from vault_gateway import allowances
from vault_gateway.errors import GatewayError
from vault_gateway.limits import Limits

RATE, CALLS, LEASE = "4000/hour", 4000, 4


def test_a_high_rate_is_asked_for_seldom_and_never_exceeded(redis: Redis) -> None:
    processes = [Limits(redis.url) for _ in range(3)]
    calls, refusals = 0, list[GatewayError]()
    with RedisClient.from_url(redis.url) as server:
        for process in islice(cycle(processes), CALLS + 50):
            try:
                allowance = process.spend("client", RATE, "shop", local_will_do=True)
            except GatewayError as error:
                refusals.append(error)
            else:
                calls += 1
                assert 0 <= allowance.remaining < CALLS
                assert 0 < allowance.reset_s <= 3600
        asked = server.info("commandstats")["cmdstat_evalsha"]["calls"]
    assert calls == CALLS
    assert {(refusal.code, refusal.status) for refusal in refusals} == {("rate_limited", 429)}
    assert all(0 < (refusal.retry_after or 0) <= 3600 for refusal in refusals)
    assert asked <= CALLS / LEASE + 60


def test_what_only_redis_may_count_is_never_taken_beforehand(redis: Redis) -> None:
    process = Limits(redis.url)
    process.spend("client", RATE, "telecom")
    redis.stop()
    with pytest.raises(GatewayError, match="redis_unavailable"):
        process.spend("client", RATE, "telecom")


def test_what_is_left_falls_call_by_call(redis: Redis) -> None:
    process = Limits(redis.url)
    left = [process.spend("client", RATE, "shop", local_will_do=True).remaining for _ in range(10)]
    assert left == list(range(CALLS - 1, CALLS - 11, -1))


def test_a_lease_ends_with_its_window(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    process = Limits(redis.url)
    process.spend("client", RATE, "shop", local_will_do=True)
    [lease] = process._leases._leases.values()
    assert lease.left == LEASE - 1
    later = time.monotonic() + 3601
    monkeypatch.setattr(time, "monotonic", lambda: later)
    process.spend("client", RATE, "shop", local_will_do=True)
    [again] = process._leases._leases.values()
    assert again is not lease
    # What nobody asks for any more is let go.
    monkeypatch.setattr(allowances, "_MOST", 1)
    later += 3601
    process.spend("client", RATE, "another shop", local_will_do=True)
    assert len(process._leases._leases) == 1


def test_a_try_and_a_look_are_one_question_also_of_a_server_that_has_just_started(redis: Redis) -> None:
    process, one, other = Limits(redis.url), ("try", "2/hour", token_hex(4)), ("seen", "1/hour", "number")
    assert process.take_and_look(one, other) == (True, True)
    with RedisClient.from_url(redis.url) as server:
        server.script_flush()
    process.spend(*other)
    with RedisClient.from_url(redis.url) as server:
        server.script_flush()
    assert process.take_and_look(one, other) == (True, False)
    # One that is refused is not counted.
    for _ in range(3):
        assert process.take_and_look(one, other) == (False, False)
    process.give_back(*one)
    assert process.take(*one)
    assert not process.take(*one)


def test_what_many_threads_take_at_one_moment_is_not_lost(redis: Redis) -> None:
    """But for a thread that asks while the last parts are in others' hands."""
    process, threads = Limits(redis.url), 16
    with ThreadPoolExecutor(threads) as pool:
        asked = [
            pool.submit(process.spend, "client", RATE, "shop", local_will_do=True) for _ in range(CALLS + 500)
        ]
    made = sum(one.exception() is None for one in asked)
    assert CALLS - threads * LEASE <= made <= CALLS
