"""Whether an address showed too many wrong keys is asked of Redis once a second, not for each request."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from redis import Redis as RedisClient

from tests.functional.limits.conftest import Redis
from vault_gateway import allowances
from vault_gateway.errors import GatewayError
from vault_gateway.limits import Limits

NAME, RATE, WHO = "failed-logins", "3/minute", "203.0.113.7"


def refused(process: Limits) -> bool:
    try:
        process.require_left(NAME, RATE, WHO, lately_will_do=True)
    except GatewayError as error:
        return error.code == "rate_limited"
    return False


@pytest.fixture
def gets(redis: Redis) -> Callable[[], int]:
    def counted() -> int:
        with RedisClient.from_url(redis.url) as server:
            return int(server.info("commandstats").get("cmdstat_get", {"calls": 0})["calls"])

    return counted


def test_within_a_second_it_is_asked_once(
    redis: Redis, gets: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    process = Limits(redis.url)
    assert [refused(process) for _ in range(20)] == [False] * 20
    assert gets() == 1
    later = time.monotonic() + 1.01
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert not refused(process)
    assert gets() == 2


def test_of_several_processes_each_lets_one_more_through_at_most(redis: Redis) -> None:
    processes = [Limits(redis.url) for _ in range(4)]
    assert not any(map(refused, processes))
    tries = 0
    for process in processes * 3:
        if not refused(process):
            tries += 1
            with suppress(GatewayError):
                process.spend(NAME, RATE, WHO)
    assert 3 <= tries <= 3 + len(processes) - 1
    assert all(map(refused, processes))


def test_where_it_must_be_exact_it_is_asked_each_time(redis: Redis) -> None:
    one, other = Limits(redis.url), Limits(redis.url)
    one.require_left(NAME, RATE, WHO)
    for _ in range(3):
        other.spend(NAME, RATE, WHO)
    with pytest.raises(GatewayError, match="rate_limited"):
        one.require_left(NAME, RATE, WHO)


def test_a_refusal_and_a_count_of_one_process_alone_are_not_remembered(redis: Redis) -> None:
    process, other = Limits(redis.url), Limits(redis.url)
    for _ in range(3):
        other.spend(NAME, RATE, WHO)
    assert [refused(process) for _ in range(2)] == [True, True]
    redis.stop()
    process.require_left(NAME, RATE, WHO, local_will_do=True, lately_will_do=True)
    assert process._looks._until == {}


def test_no_more_is_kept_than_fits(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allowances, "_MOST", 2)
    process = Limits(redis.url)
    for number in range(5):
        process.require_left(NAME, RATE, f"203.0.113.{number}", lately_will_do=True)
    assert len(process._looks._until) <= 2
