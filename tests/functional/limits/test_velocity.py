"""Rates of reveals and searches: by courier, by client, by the address that a request comes from."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.functional.limits.conftest import Redis
from tests.functional.reveals.steps import ask, told
from tests.policies import GENEROUS, policies_with
from tests.world import Actor, Town, World, new_town

Gateway = Callable[..., Flask]


@pytest.fixture
def gateway(world: World, tmp_path: Path) -> Gateway:
    """With these rates of reveals or searches, behind a proxy on this machine."""

    def make(what: str, redis_url: str | None = None, **rates: str) -> Flask:
        wanted = copy.deepcopy(GENEROUS)
        wanted["rates"][what].update(rates)
        policies = policies_with(tmp_path / "policies", wanted)
        return world.gateway(policies=policies, redis_url=redis_url, trusted_proxies="127.0.0.0/8")

    return make


def search(actor: Actor, address: str = "192.0.2.1") -> TestResponse:
    body = {"kind": "phone", "last4": "1234"}
    return actor.post("/v1/tokens/search", body, headers={"X-Forwarded-For": address})


def reveal(actor: Actor, waybill_no: str, address: str) -> TestResponse:
    body = {"waybill_no": waybill_no, "purpose": "deliver"}
    return actor.post("/v1/reveals", body, headers={"X-Forwarded-For": address})


def test_a_courier_reveals_so_many_a_minute_and_a_colleague_is_not_in_its_way(
    world: World, gateway: Gateway
) -> None:
    town = new_town(world)
    app = gateway("reveals", courier="2/minute")
    courier = replace(town.courier, app=app)
    parcels = [town.out_for_delivery() for _ in range(3)]
    assert [ask(courier, parcel).status_code for parcel in parcels[:2]] == [201, 201]
    refused = ask(courier, parcels[2])
    assert told(refused) == (429, "rate_limited")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    colleague = world.actor("courier", app=app, carrier=town.carrier_slug)
    assert town.event(parcels[2], "out_for_delivery", courier=colleague.name).status_code == 201
    assert ask(colleague, parcels[2]).status_code == 201
    counted = app.test_client().get("/metrics").text
    assert 'vault_gateway_rate_limited_total{rate="reveals-courier"}' in counted


def test_a_batch_costs_as_many_as_it_asks_for(world: World, gateway: Gateway) -> None:
    town = new_town(world)
    courier = replace(town.courier, app=gateway("reveals", courier="3/minute"))
    parcels = [{"waybill_no": town.out_for_delivery(), "purpose": "deliver"} for _ in range(4)]
    assert courier.post("/v1/reveals", {"items": parcels}).status_code == 429
    assert courier.post("/v1/reveals", {"items": parcels[:3]}).status_code == 201
    assert courier.post("/v1/reveals", parcels[3]).status_code == 429


def test_one_address_reveals_so_many_whoever_asks(world: World, gateway: Gateway) -> None:
    town = new_town(world)
    app = gateway("reveals", address="2/minute")
    colleague = world.actor("courier", app=app, carrier=town.carrier_slug)
    parcels = [town.out_for_delivery() for _ in range(4)]
    for parcel in parcels[2:]:
        assert town.event(parcel, "out_for_delivery", courier=colleague.name).status_code == 201
    courier = replace(town.courier, app=app)
    # One network of IPv6 is one address.
    assert reveal(courier, parcels[0], "2001:db8:1:1::1").status_code == 201
    assert reveal(colleague, parcels[2], "2001:db8:1:1::2").status_code == 201
    assert told(reveal(courier, parcels[1], "2001:db8:1:1::3")) == (429, "rate_limited")
    assert reveal(colleague, parcels[3], "2001:db8:1:2::1").status_code == 201


def test_a_station_has_a_rate_of_its_own(world: World, gateway: Gateway) -> None:
    town = new_town(world)
    station = replace(town.station, app=gateway("reveals", station="1/minute", courier="1/minute"))
    parcels = [town.waybill() for _ in range(2)]
    for parcel in parcels:
        assert town.event(parcel, "accepted").status_code == 201
        assert town.event(parcel, "at_station", station=town.station_slug).status_code == 201
    assert [ask(station, parcel, "sort").status_code for parcel in parcels] == [201, 429]


def test_searches_are_limited_by_client_and_by_address(town: Town, elsewhere: Town, gateway: Gateway) -> None:
    app = gateway("searches", client="2/minute", address="3/minute")
    shop, other = replace(town.merchant, app=app), replace(elsewhere.merchant, app=app)
    assert [search(shop).status_code for _ in range(3)] == [200, 200, 429]
    # The third was refused before it counted for its address.
    assert [search(other).status_code for _ in range(2)] == [200, 429]
    assert search(other, "192.0.2.2").status_code == 429
    third = replace(town.platform, app=app)
    assert told(search(third)) == (429, "rate_limited")
    assert search(third, "192.0.2.2").status_code == 422, "a platform names the merchant"


def test_without_redis_searches_go_on_with_a_local_rate(town: Town, gateway: Gateway, redis: Redis) -> None:
    shop = replace(town.merchant, app=gateway("searches", redis_url=redis.url, client="2/minute"))
    redis.stop()
    assert [search(shop).status_code for _ in range(3)] == [200, 200, 429]


def denials(world: World, actor: Actor) -> list[tuple[str, str, str | None, int | None]]:
    """Action, reason, merchant and number of things of each refusal of `actor` that is on record, oldest first."""
    with world.admin() as conn:
        rows = conn.execute(
            "select body from audit_event where body ->> 'actor' = %s and body ->> 'outcome' = 'deny' order by id",
            (f"key:{actor.name}",),
        ).fetchall()
    bodies = [row["body"] for row in rows]
    return [
        (body["action"], body["reason"], body.get("merchant"), body.get("detail", {}).get("items"))
        for body in bodies
    ]


def test_each_reveal_that_came_too_fast_is_on_record(world: World, gateway: Gateway) -> None:
    town = new_town(world)
    courier = replace(town.courier, app=gateway("reveals", courier="1/minute"))
    parcels = [{"waybill_no": town.out_for_delivery(), "purpose": "deliver"} for _ in range(3)]
    assert courier.post("/v1/reveals", parcels[0]).status_code == 201
    assert courier.post("/v1/reveals", parcels[1]).status_code == 429
    assert courier.post("/v1/reveals", {"items": parcels}).status_code == 429
    assert denials(world, courier) == [
        ("reveal.issue", "rate_limited", None, 1),
        ("reveal.issue", "rate_limited", None, 3),
    ]


def test_each_search_that_came_too_fast_is_on_record_where_its_merchants_auditor_reads(
    world: World, gateway: Gateway
) -> None:
    town = new_town(world)
    shop = replace(town.merchant, app=gateway("searches", client="1/minute"))
    assert [search(shop).status_code for _ in range(3)] == [200, 429, 429]
    assert denials(world, shop) == [("token.search", "rate_limited", town.merchant_slug, 1)] * 2
    auditor = world.actor("auditor", platform=town.platform_slug, merchant=town.merchant_slug)
    events = auditor.get("/v1/audit/events?action=token.search&outcome=deny").get_json()["items"]
    assert [event["reason"] for event in events] == ["rate_limited"] * 2
