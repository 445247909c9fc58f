"""Rates hold, say what is left, and fail closed where that matters."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from flask import Flask

from tests.functional.limits.conftest import Redis
from tests.functional.limits.steps import through, tokenise
from tests.world import Actor, Town, World
from vault_gateway import limits

Gateway = Callable[..., Flask]


def test_a_client_hears_what_is_left_and_then_when_to_come_back(world: World, town: Town) -> None:
    shop = through(world.gateway(client_rate="2/minute"), town.merchant)
    left = [tokenise(shop).headers["RateLimit"].split(";")[1] for _ in range(2)]
    assert left == ["r=1", "r=0"]
    refused = tokenise(shop)
    assert (refused.status_code, refused.get_json()["code"]) == (429, "rate_limited")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60


def test_one_client_does_not_use_up_anothers_rate(world: World, town: Town) -> None:
    app = world.gateway(client_rate="1/minute")
    assert tokenise(through(app, town.merchant)).status_code == 201
    assert tokenise(through(app, town.merchant)).status_code == 429
    assert through(app, town.carrier).get("/v1/waybills").status_code == 200


def test_failed_logins_shut_an_address_out_good_keys_included(world: World, town: Town) -> None:
    app = world.gateway(failed_logins="3/minute")
    stranger = Actor(app, "vg_wrong", "stranger")
    assert [stranger.get("/v1/waybills").status_code for _ in range(4)] == [401, 401, 401, 429]
    assert through(app, town.merchant).get("/v1/waybills").status_code == 429


def test_two_gateways_on_one_redis_count_together(world: World, town: Town, redis: Redis) -> None:
    apps = [world.gateway(client_rate="3/minute", redis_url=redis.url) for _ in range(2)]
    statuses = [tokenise(through(apps[n % 2], town.merchant)).status_code for n in range(4)]
    assert statuses == [201, 201, 201, 429]


@pytest.mark.parametrize("how", ["stopped", "standing still"])
def test_without_redis_tokenising_goes_on_and_reveals_do_not(
    world: World, town: Town, redis: Redis, how: str
) -> None:
    app = world.gateway(redis_url=redis.url)
    shop, courier = through(app, town.merchant), through(app, town.courier)
    waybill = town.out_for_delivery()
    assert app.test_client().get("/readyz").get_json()["checks"]["limits"] == "ok"
    if how == "stopped":
        redis.stop()
    else:
        redis.pause()

    begun = time.monotonic()
    answers = [tokenise(shop) for _ in range(5)]
    assert time.monotonic() - begun < 5
    assert {answer.status_code for answer in answers} == {201}
    assert answers[-1].headers["RateLimit"].startswith('"client-local";')
    refused = courier.post("/v1/reveals", {"waybill_no": waybill, "purpose": "deliver", "claim": True})
    assert (refused.status_code, refused.get_json()["code"]) == (503, "redis_unavailable")
    assert refused.headers["Retry-After"]
    ready = app.test_client().get("/readyz")
    assert (ready.status_code, ready.get_json()["status"]) == (200, "degraded")
    assert ready.get_json()["checks"]["limits"] == "local"
    counted = app.test_client().get("/metrics").text
    assert 'vault_gateway_limits_without_redis_total{outcome="local"}' in counted
    assert 'vault_gateway_limits_without_redis_total{outcome="refused"}' in counted

    redis.stop()
    redis.start_again()
    time.sleep(limits._LEFT_ALONE_S)
    opened = courier.post("/v1/reveals", {"waybill_no": waybill, "purpose": "deliver", "claim": True})
    assert opened.status_code == 201
    assert app.test_client().get("/readyz").get_json()["status"] == "ready"
    assert opened.headers["RateLimit"].startswith('"client";')


def test_the_local_limit_is_a_limit(world: World, town: Town, redis: Redis) -> None:
    app = world.gateway(client_rate="2/minute", redis_url=redis.url)
    redis.stop()
    assert [tokenise(through(app, town.merchant)).status_code for _ in range(3)] == [201, 201, 429]


def test_without_redis_what_discloses_is_refused_and_the_rest_goes_on(
    world: World, town: Town, redis: Redis
) -> None:
    app = world.gateway(redis_url=redis.url)
    redis.stop()
    refused: dict[str, set[bool]] = {}
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith("/v1/") or rule.rule.startswith("/v1/relay/twilio/"):
            continue
        methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        path = re.sub("<[^>]+>", "x", rule.rule)
        for method in methods:
            answer = through(app, town.merchant).call(
                method, path, {} if method in ("POST", "PATCH") else None
            )
            without = answer.status_code == 503
            assert not without or answer.get_json()["code"] == "redis_unavailable"
            refused.setdefault(rule.endpoint.partition(".")[0], set()).add(without)
    closed = {room for room, outcomes in refused.items() if outcomes == {True}}
    assert closed == {"reveals", "break_glass", "relay", "counter"}
    assert all(outcomes == {False} for room, outcomes in refused.items() if room not in closed)
