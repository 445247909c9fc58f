"""A node for each duty, each with a login of that duty's role alone: an order's whole life, every operation of the
document and all chores are done, and the database refuses none of it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from prometheus_client import REGISTRY

from tests.functional.guarantees.asking import send
from tests.functional.guarantees.ground import Ground, new_ground
from tests.functional.guarantees.requests import SAMPLES, UNDER_A_KEY, fill
from tests.functional.guarantees.values import good_values, of_role
from tests.functional.notices import provider as providers
from tests.functional.notices.conftest import empty_the_queue
from tests.functional.past_its_time import make_old, of_old
from tests.functional.relay import twilio
from tests.functional.relay.conftest import Line
from tests.functional.whole_life import live
from tests.pool import retire_numbers
from tests.split import Split, split
from tests.world import Actor, Town, World, new_town
from vault_gateway.documentation import service
from vault_gateway.documentation.document import OPERATIONS
from vault_gateway.housekeeping import tidy_up

# What takes away what others name.
_LAST = ("cancel_waybill", "release", "remove_webhook", "remove_courier", "erase_token")


@pytest.fixture(scope="module")
def telecom(world: World) -> Iterator[Actor]:
    actor = world.actor("telecom")
    yield actor
    retire_numbers(world, actor.name)


@pytest.fixture(scope="module")
def apart(world: World, telecom: Actor) -> Iterator[Split]:
    empty_the_queue(world)
    with providers.running() as provider:
        relay = {
            "twilio_account_sid": twilio.ACCOUNT,
            "twilio_auth_token": twilio.TOKEN,
            "twilio_telecom": telecom.name,
            "twilio_url": twilio.URL,
            "notice_provider": "webhook",
            "notice_webhook_url": f"{provider.url}/send",
            "notice_webhook_secret": providers.SECRET,
        }
        tokenize = {"fold_every_s": 3600, "webhook_internal_hosts": "127.0.0.1"}
        with split(world, {"relay": relay, "tokenize": tokenize}) as made:
            yield made
            made.nodes["relay"].extensions["notices"].stop()


@pytest.fixture(scope="module")
def town(world: World, apart: Split) -> Town:
    return new_town(world, app=apart.app)


@pytest.fixture(scope="module")
def lived(world: World, apart: Split, town: Town, telecom: Actor) -> Line:
    """A parcel from its order to its end."""
    return live(apart, town, telecom)


def test_every_operation_is_done_at_its_own_node(world: World, apart: Split, lived: Line) -> None:
    walk(new_ground(world, apart.app, "舟山市"))
    look_after(apart)
    assert not apart.denied
    names = {operation.name for operation in OPERATIONS}
    assert names - apart.done == set()
    shared = {operation.name for operation in service.OPERATIONS}
    assert {name: len(apart.duties_with(name)) for name in names} == {
        name: len(apart.nodes) if name in shared else 1 for name in names
    }


def walk(ground: Ground) -> None:
    """Every sample of every operation under a key, by each role that has it."""
    town = ground.town
    of_all = town.world.actor("auditor", app=town.merchant.app)
    assert of_all.get("/v1/audit/events").status_code == 200
    with town.world.admin() as conn:
        conn.execute(
            "update courier set suspended_at = now(), suspended_for = 'many_denials' where handle = %s",
            (town.courier.name,),
        )
    assert town.carrier.post(f"/v1/couriers/{town.courier.name}/resume", {}).status_code == 200
    table = UNDER_A_KEY["replace_routes"].text_body
    assert table is not None
    path, headers = f"/v1/carriers/{town.carrier_slug}/routes", {"Content-Type": table[0]}
    assert town.carrier.call("POST", path, data=table[1].encode(), headers=headers).status_code == 201
    for name in sorted(SAMPLES, key=lambda name: (name in _LAST, name)):
        operation = UNDER_A_KEY[name]
        for role in operation.roles:
            for one in SAMPLES[name]:
                asked = of_role(one, operation, role)
                send(ground.people[role], fill(operation, asked, good_values(operation, asked, role, ground)))


def look_after(apart: Split) -> None:
    """What each node tells whoever looks after it."""
    for duty, node in apart.nodes.items():
        client = node.test_client()
        asset = re.search(r"/docs/assets/[^\"']+", client.get("/docs").text)
        assert asset is not None
        for operation in service.OPERATIONS:
            path = asset[0] if operation.name == "asset" else operation.path
            assert client.get(path, follow_redirects=True).status_code == 200, (duty, path)
            apart.done.add(operation.name)


def test_chores_are_done_by_the_login_of_their_duty(world: World, apart: Split, lived: Line) -> None:
    make_old(world, lived.town)
    assert 0 not in of_old(world, lived.town).values()
    before = failures()
    for database, chores in apart.chores:
        tidy_up(database, chores)
    assert (failures(), apart.denied) == (before, [])
    assert not any(of_old(world, lived.town).values())


def test_a_courier_that_probes_is_counted_at_each_node(world: World, apart: Split, town: Town) -> None:
    courier = world.actor("courier", app=apart.app, carrier=town.carrier_slug)
    for path in (
        "/v1/waybills/NONE-1",
        "/v1/reveals/rv_none",
        "/v1/relay/bindings/rb_none",
        "/v1/audit/events",
    ):
        assert courier.get(path).status_code in (403, 404)
    with world.admin() as conn:
        row = conn.execute("select denials from courier_day where handle = %s", (courier.name,)).fetchone()
    assert row == {"denials": 4}
    assert not apart.denied


def failures() -> float:
    """Of chores, in this process so far."""
    return sum(
        sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name == "vault_gateway_housekeeping_failures_total"
    )
