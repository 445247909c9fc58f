"""A Redis Cluster of three real nodes: counts are shared, windows move, and without a third of it nothing is told."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.functional.limits.conftest import Cluster, Redis
from tests.functional.limits.steps import through, tokenise
from tests.functional.reveals.steps import ask, told
from tests.world import Town, World
from vault_gateway import limits
from vault_gateway.errors import GatewayError
from vault_gateway.limits import Limits


def spent(counters: list[Limits], rate: str, tries: int, who: str) -> int:
    """How many of `tries` went through, spread over counters and threads."""

    def one(number: int) -> bool:
        try:
            counters[number % len(counters)].spend_moving("test", rate, who)
        except GatewayError as error:
            if error.code != "rate_limited":
                raise
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        return sum(threads.map(one, range(tries)))


@pytest.fixture(params=["memory", "redis", "cluster"])
def counters(request: pytest.FixtureRequest) -> list[Limits]:
    """Of one process where it counts in memory, else of two."""
    if request.param == "memory":
        return [Limits(None)]
    engine: Redis | Cluster = request.getfixturevalue(request.param)
    return [Limits(engine.url) for _ in range(2)]


def test_a_moving_window_lets_so_many_through_whoever_counts(counters: list[Limits]) -> None:
    assert [spent(counters, "7/minute", 40, f"who-{number}") for number in range(6)] == [7] * 6


def test_so_many_are_taken_and_what_is_given_back_is_there_again(counters: list[Limits]) -> None:
    def taken(tries: int) -> int:
        with ThreadPoolExecutor(8) as threads:
            takes = [
                threads.submit(counters[number % len(counters)].take, "test", "7/minute", "who")
                for number in range(tries)
            ]
            return sum(take.result() for take in takes)

    assert taken(40) == 7
    assert not counters[0].has_left("test", "7/minute", "who")
    for _ in range(3):
        counters[0].give_back("test", "7/minute", "who")
    assert counters[0].has_left("test", "7/minute", "who")
    # Those that were refused were not counted.
    assert taken(40) == 3


def test_a_burst_at_the_edge_of_a_window_gains_nothing(counters: list[Limits]) -> None:
    begun = time.monotonic()
    through = 0
    # At the end of what would be one fixed window, and at the beginning of the next.
    while time.time() % 2 < 1.5:
        time.sleep(0.01)
    until = time.time() // 2 * 2 + 2.6
    while time.time() < until:
        through += spent(counters, "5/2seconds", 3, "edge")
    assert through == 5
    assert time.monotonic() - begun < 5


def test_many_at_once_go_through_together_or_not_at_all(counters: list[Limits]) -> None:
    counters[0].spend_moving("test", "10/minute", "batch", 8)
    with pytest.raises(GatewayError):
        counters[-1].spend_moving("test", "10/minute", "batch", 3)
    counters[-1].spend_moving("test", "10/minute", "batch", 2)


def test_gateways_count_together_in_a_cluster_and_without_a_node_reveal_nothing(
    world: World, town: Town, cluster: Cluster
) -> None:
    apps = [world.gateway(client_rate="4/minute", redis_url=cluster.url) for _ in range(2)]
    assert apps[0].test_client().get("/readyz").get_json()["checks"]["limits"] == "ok"
    statuses = [tokenise(through(apps[n % 2], town.merchant)).status_code for n in range(5)]
    assert statuses == [201, 201, 201, 201, 429]
    parcel = town.out_for_delivery()
    cluster.stop(1)
    cluster.wait_until("fail")
    begun = time.monotonic()
    local = tokenise(through(apps[0], town.merchant))
    assert local.status_code == 201
    assert local.headers["RateLimit"].startswith('"client-local";')
    refused = ask(through(apps[0], town.courier), parcel)
    assert told(refused) == (503, "redis_unavailable")
    assert time.monotonic() - begun < 5
    assert apps[0].test_client().get("/readyz").get_json()["checks"]["limits"] == "local"
    cluster.start_again(1)
    cluster.wait_until("ok")
    time.sleep(limits._LEFT_ALONE_S)
    assert ask(through(apps[0], town.courier), parcel).status_code == 201
    assert apps[0].test_client().get("/readyz").get_json()["checks"]["limits"] == "ok"


def test_a_gateway_starts_while_its_cluster_is_away(world: World, town: Town, cluster: Cluster) -> None:
    for number in range(3):
        cluster.stop(number)
    app = world.gateway(redis_url=cluster.url)
    parcel = town.out_for_delivery()
    assert tokenise(through(app, town.merchant)).status_code == 201
    assert told(ask(through(app, town.courier), parcel)) == (503, "redis_unavailable")
    for number in range(3):
        cluster.start_again(number)
    cluster.wait_until("ok")
    time.sleep(limits._LEFT_ALONE_S)
    assert ask(through(app, town.courier), parcel).status_code == 201
