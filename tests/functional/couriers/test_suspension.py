"""The scraping alarm: a courier that opens or probes far more than usual is suspended, until somebody looked."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.functional.reveals.steps import ask, claim, issued, outline, told
from tests.policies import GENEROUS, policies_with
from tests.world import Actor, Town, World, new_town
from vault_gateway.identity import memory
from vault_gateway.quotas import load_quotas

Gateway = Callable[..., Actor]


@pytest.fixture
def town(world: World) -> Town:
    return new_town(world)


@pytest.fixture
def courier(world: World, town: Town, tmp_path: Path) -> Gateway:
    """The town's courier, at a gateway whose alarm rings above these floors."""

    def make(recipients: int = 10**9, denials: int = 10**9) -> Actor:
        wanted = copy.deepcopy(GENEROUS)
        wanted["scraping_alarm"]["recipients"]["floor"] = recipients
        wanted["scraping_alarm"]["denials"]["floor"] = denials
        policies = policies_with(tmp_path / "policies", wanted)
        return replace(town.courier, app=world.gateway(policies=policies))

    return make


def remembered_no_more(world: World, actor: Actor, **settings: Any) -> Actor:
    """The actor at a gateway that never saw its key: as any is after the memory of keys is over."""
    return replace(actor, app=world.gateway(**settings))


def suspensions(world: World, town: Town) -> list[dict[str, Any]]:
    with world.admin() as conn:
        rows = conn.execute(
            "select body from audit_event where action = 'courier.suspend' and carrier = %s order by id",
            (town.carrier_slug,),
        ).fetchall()
    return [row["body"] for row in rows]


def suspended_in_directory(world: World, town: Town) -> bool:
    return bool(
        world.row(
            "select suspended_at is not null as suspended from courier where carrier = %s and handle = %s",
            (town.carrier_slug, town.courier.name),
        )["suspended"]
    )


def test_too_many_recipients_suspend_and_grants_issued_before_do_not_open(
    world: World, town: Town, courier: Gateway
) -> None:
    rider = courier(recipients=3)
    parcels = [town.out_for_delivery() for _ in range(4)]
    opened = [issued(rider, parcel) for parcel in parcels[:3]]
    # The same parcel again is the same recipient.
    assert ask(rider, parcels[0], "contact").status_code == 201
    assert claim(rider, opened[0]).status_code == 200
    assert told(ask(rider, parcels[3])) == (403, "courier_suspended")
    assert suspended_in_directory(world, town), "although the reveal itself was rolled back"
    assert outline(world, waybill=parcels[3]) == [("reveal.issue", "deny", "many_recipients")]

    (event,) = suspensions(world, town)
    assert (event["actor"], event["role"], event["reason"]) == ("gateway", "gateway", "many_recipients")
    assert event["resource"] == f"courier:{town.courier.name}"
    assert event["ip"] is None
    metrics = rider.app.test_client().get("/metrics").text
    assert 'vault_gateway_couriers_suspended_total{reason="many_recipients"}' in metrics

    # Everywhere, for what was issued before and what is asked anew; what it may not see stays unknown.
    elsewhere = remembered_no_more(world, town.courier)
    assert told(claim(elsewhere, opened[1])) == (403, "courier_suspended")
    assert told(ask(elsewhere, parcels[0])) == (403, "courier_suspended")
    assert told(ask(elsewhere, new_town(world).out_for_delivery())) == (404, "not_found")
    bound = elsewhere.post("/v1/relay/bindings", {"waybill_no": parcels[0], "mode": "axb"})
    assert told(bound) == (403, "forbidden")
    assert elsewhere.get(f"/v1/waybills/{parcels[0]}").status_code == 200
    assert elsewhere.get(f"/v1/reveals/{opened[1]}").get_json()["state"] == "issued"


def test_it_holds_at_a_gateway_that_remembers_the_key_within_five_seconds(
    world: World, town: Town, courier: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    rider, parcels = courier(recipients=1), [town.out_for_delivery() for _ in range(3)]
    elsewhere = remembered_no_more(world, town.courier)
    grant = issued(elsewhere, parcels[0])
    assert told(ask(rider, parcels[1])) == (403, "courier_suspended")
    # A reveal is counted in the directory, whatever is remembered.
    assert told(ask(elsewhere, parcels[2])) == (403, "courier_suspended")
    assert memory.REMEMBER_S + 2.0 <= 5.0
    monkeypatch.setattr(memory, "REMEMBER_S", 0.0)
    assert told(claim(elsewhere, grant)) == (403, "courier_suspended")


def test_many_denials_suspend_although_each_was_rolled_back(
    world: World, town: Town, courier: Gateway
) -> None:
    rider = courier(denials=4)
    other_town = new_town(world)
    foreign = other_town.out_for_delivery()
    probes: list[Callable[[], Any]] = [
        lambda: ask(rider, foreign),
        lambda: ask(rider, "DYT0000000000000"),
        lambda: rider.get(f"/v1/waybills/{foreign}"),
        lambda: claim(rider, issued(other_town.courier, foreign)),
    ]
    for probe in probes:
        assert told(probe()) == (404, "not_found")
    assert not suspended_in_directory(world, town)
    # Who probes what it may not see hears nothing new.
    assert told(probes[0]()) == (404, "not_found")
    assert suspended_in_directory(world, town)
    assert [event["reason"] for event in suspensions(world, town)] == ["many_denials"]
    for probe in probes[:3]:
        assert told(probe()) == (404, "not_found")
    assert len(suspensions(world, town)) == 1, "it is suspended once"
    own = town.out_for_delivery()
    assert told(ask(remembered_no_more(world, town.courier), own)) == (403, "courier_suspended")


def test_an_app_that_tries_again_is_no_scraper(world: World, town: Town, courier: Gateway) -> None:
    rider = courier(denials=1)
    parcel = town.out_for_delivery()
    grant = issued(rider, parcel)
    assert claim(rider, grant).status_code == 200
    assert [claim(rider, grant).status_code for _ in range(5)] == [409] * 5
    assert not suspended_in_directory(world, town)


@pytest.mark.parametrize("by", ["carrier", "operator"])
def test_its_carrier_or_an_operator_lifts_it_and_the_alarm_counts_anew(
    world: World, town: Town, courier: Gateway, tmp_path: Path, by: str
) -> None:
    rider = courier(recipients=2)
    parcels = [town.out_for_delivery() for _ in range(5)]
    assert [ask(rider, parcel).status_code for parcel in parcels[:3]] == [201, 201, 403]
    path = f"/v1/couriers/{town.courier.name}/resume"
    assert told(town.courier.post(path, {})) == (403, "forbidden")
    assert told(world.actor("carrier", carrier=new_town(world).carrier_slug).post(path, {})) == (
        404,
        "not_found",
    )
    assert suspended_in_directory(world, town)
    if by == "carrier":
        who, body = town.carrier, {}
    else:
        who, body = world.actor("operator"), {"carrier": town.carrier_slug}
        assert told(who.post(path, {})) == (422, "carrier_required")
    answer = who.post(path, body)
    assert (answer.status_code, answer.get_json()) == (200, {"handle": town.courier.name, "suspended": False})
    assert told(who.post(path, body)) == (409, "courier_not_suspended")
    with world.admin() as conn:
        rows = conn.execute(
            "select body from audit_event where action = 'courier.resume' and actor = %s order by id",
            (f"key:{who.name}",),
        ).fetchall()
    assert [row["body"]["outcome"] for row in rows][:1] == ["allow"]
    rider = remembered_no_more(world, town.courier, policies=tmp_path / "policies")
    assert [ask(rider, parcel).status_code for parcel in parcels[2:5]] == [201, 201, 403]


def test_a_handle_that_is_registered_anew_stays_suspended(world: World, town: Town, courier: Gateway) -> None:
    rider = courier(recipients=1)
    for parcel in [town.out_for_delivery() for _ in range(2)]:
        ask(rider, parcel)
    handle = town.courier.name
    assert town.carrier.delete(f"/v1/couriers/{handle}").status_code == 204
    assert told(town.carrier.post(f"/v1/couriers/{handle}/resume", {})) == (404, "not_found")
    assert town.carrier.post("/v1/couriers", {"handle": handle}).status_code == 201
    assert suspended_in_directory(world, town)
    assert town.carrier.post(f"/v1/couriers/{handle}/resume", {}).status_code == 200


def test_a_busy_courier_is_measured_by_its_own_days(
    world: World, town: Town, courier: Gateway, tmp_path: Path
) -> None:
    rider = courier(recipients=1)
    today = load_quotas(tmp_path / "policies" / "quotas.yaml").day_of(world.clock())
    with world.admin() as conn:
        for ago, recipients in enumerate([2, 2, 500, 2, 0], start=1):
            conn.execute(
                "insert into courier_day (carrier, handle, day, reveals, recipients) values (%s, %s, %s, %s, %s)",
                (town.carrier_slug, town.courier.name, today - timedelta(days=ago), recipients, recipients),
            )
    parcels = [town.out_for_delivery() for _ in range(7)]
    # Three times its median of 2: one wild day does not count, nor does one without work.
    assert [ask(rider, parcel).status_code for parcel in parcels] == [201] * 6 + [403]
