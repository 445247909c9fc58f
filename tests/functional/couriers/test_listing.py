"""Who a carrier's couriers are, and whom the alarm suspended: by API for carrier and operator, by command for an
operator."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from tests.functional.reveals.steps import told
from tests.pages import all_events
from tests.world import Actor, Town, World, new_town
from vault_gateway.cli.root import root
from vault_gateway.couriers import store
from vault_gateway.errors import GatewayError


@pytest.fixture(scope="module")
def fleet(world: World) -> Town:
    """Three more couriers, one of them suspended, and one that was removed."""
    town = new_town(world)
    for handle in ("a-1", "a-2", "a-3", "a-4"):
        assert town.carrier.post("/v1/couriers", {"handle": handle}).status_code == 201
    assert town.carrier.delete("/v1/couriers/a-4").status_code == 204
    with world.admin() as conn:
        assert store.suspend(conn, town.carrier_slug, "a-2", "many_denials", world.clock())
    return town


def handles(answer: object) -> list[str]:
    assert isinstance(answer, dict)
    return [item["handle"] for item in answer["items"]]


def test_a_carrier_lists_its_couriers_page_by_page(fleet: Town, elsewhere: Town) -> None:
    whole = fleet.carrier.get("/v1/couriers").get_json()
    assert handles(whole) == ["a-1", "a-2", "a-3", fleet.courier.name]
    first = fleet.carrier.get("/v1/couriers?limit=3").get_json()
    assert first["next"] == "a-3"
    assert handles(fleet.carrier.get(f"/v1/couriers?limit=3&cursor={first['next']}").get_json()) == [
        fleet.courier.name
    ]
    assert handles(elsewhere.carrier.get("/v1/couriers").get_json()) == [elsewhere.courier.name]


def test_whom_the_alarm_suspended_is_told_with_the_reason(world: World, fleet: Town) -> None:
    operator = world.actor("operator")
    for who, query in ((fleet.carrier, ""), (operator, f"&carrier={fleet.carrier_slug}")):
        [one] = who.get(f"/v1/couriers?suspended=true{query}").get_json()["items"]
        assert (one["handle"], one["suspended"], one["suspended_for"]) == ("a-2", True, "many_denials")
    assert "a-2" not in handles(fleet.carrier.get("/v1/couriers?suspended=false").get_json())
    assert told(operator.get("/v1/couriers")) == (422, "carrier_required")


def test_nobody_else_lists_them(fleet: Town, elsewhere: Town, auditor: Actor) -> None:
    for who in (fleet.courier, fleet.station, fleet.merchant, fleet.platform, auditor, elsewhere.carrier):
        answer = who.get(f"/v1/couriers?carrier={fleet.carrier_slug}")
        assert told(answer) == (403, "forbidden")


def test_an_operator_lists_and_resumes_by_command(world: World, fleet: Town, auditor: Actor) -> None:
    def run(*words: str) -> str:
        data = str(world.instance.engines.data)
        result = CliRunner().invoke(root, ["courier", *words, "--data", data], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    of_fleet = ("--carrier", fleet.carrier_slug)
    [suspended] = json.loads(run("list", "--suspended", "--json", *of_fleet))
    assert (suspended["carrier"], suspended["handle"]) == (fleet.carrier_slug, "a-2")
    assert "for many_denials" in run("list", *of_fleet)
    run("resume", "a-2", *of_fleet)
    assert json.loads(run("list", "--suspended", "--json", *of_fleet)) == []
    with pytest.raises(GatewayError, match="courier_not_suspended"):
        run("resume", "a-2", *of_fleet)
    resumed = all_events(auditor, "action=courier.resume&actor=cli:operator")
    about = [e["outcome"] for e in resumed if e["carrier"] == fleet.carrier_slug]
    assert about == ["deny", "allow"]
    with world.admin() as conn:
        assert store.suspend(conn, fleet.carrier_slug, "a-2", "many_denials", world.clock())
