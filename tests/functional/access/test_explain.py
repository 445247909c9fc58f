"""`vault-gateway access explain` tells an operator what decides about a real client and a real waybill."""

from __future__ import annotations

from typing import Any

import pytest

from tests import canaries
from tests.functional.access.explaining import run, told
from tests.world import Town, TurnedClock, World
from vault_gateway.identity import store
from vault_gateway.model import utc_now


def unmet(answer: dict[str, Any], policy: str) -> list[str]:
    (considered,) = [one for one in answer["considered"] if one["policy"] == policy]
    return [condition["text"] for condition in considered["conditions"] if condition["met"] is not True]


def test_the_assigned_courier_is_allowed_by_the_policy_that_its_reveal_is_audited_with(
    world: World, town: Town, auditor: Any
) -> None:
    waybill_no = town.out_for_delivery()

    answer = told(world, town.courier.name, "reveal.issue", waybill_no, "--purpose", "deliver")
    issued = town.courier.post("/v1/reveals", {"waybill_no": waybill_no, "purpose": "deliver"})

    assert issued.status_code == 201
    assert answer["allowed"]
    assert answer["policies"] == ["courier-reveals-assigned-parcels"]
    assert unmet(answer, "courier-reveals-assigned-parcels") == []
    events = auditor.get(f"/v1/audit/events?waybill={waybill_no}&action=reveal.issue").get_json()["items"]
    assert [event["policies"] for event in events] == [answer["policies"]]


def test_a_parcel_that_is_not_out_is_denied_with_the_condition_and_what_it_read(
    world: World, town: Town
) -> None:
    waybill_no = town.waybill()
    assert town.event(waybill_no, "accepted").status_code == 201

    answer = told(world, town.courier.name, "reveal.issue", waybill_no, "--purpose", "deliver")

    assert not answer["allowed"]
    assert answer["reason"] == "not_out_for_delivery"
    (forbids,) = [one for one in answer["considered"] if one["policy"] == "not_out_for_delivery"]
    assert forbids["applies"]
    (condition,) = forbids["conditions"]
    assert condition["values"] == {"resource.state": "accepted"}
    assert answer["caller_hears"].startswith("404")


def test_a_colleague_hears_that_there_is_nothing_and_the_operator_why(world: World, town: Town) -> None:
    waybill_no = town.out_for_delivery()
    colleague = world.actor("courier", carrier=town.carrier_slug)

    answer = told(world, colleague.name, "reveal.issue", waybill_no, "--purpose", "deliver")

    assert not answer["allowed"]
    assert answer["policies"] == []
    assert unmet(answer, "courier-reveals-assigned-parcels") == ["resource.courier == principal.handle"]
    assert answer["caller_hears"].startswith("404")
    assert colleague.post("/v1/reveals", {"waybill_no": waybill_no, "purpose": "deliver"}).status_code == 404


def test_a_purpose_of_another_role_is_the_unmet_condition(world: World, town: Town) -> None:
    waybill_no = town.out_for_delivery()

    answer = told(world, town.courier.name, "reveal.issue", waybill_no, "--purpose", "sort")

    assert unmet(answer, "courier-reveals-assigned-parcels") == [
        '(context.purpose == "deliver") || (context.purpose == "contact")'
    ]
    assert answer["caller_hears"].startswith("403")
    assert town.courier.post("/v1/reveals", {"waybill_no": waybill_no, "purpose": "sort"}).status_code == 403


def test_the_end_of_the_delivery_window_is_told(world: World, town: Town, clock: TurnedClock) -> None:
    # The parcel went out two days ago: the command reads the real time.
    clock.advance(days=-2)
    waybill_no = town.out_for_delivery()

    answer = told(world, town.courier.name, "reveal.issue", waybill_no, "--purpose", "deliver")

    assert answer["reason"] == "delivery_window_over"


def test_a_role_that_may_never_do_it_is_told_so(world: World, town: Town) -> None:
    waybill_no = town.out_for_delivery()

    result = run(world, town.merchant.name, "reveal.issue", waybill_no, "--purpose", "deliver")

    assert result.exit_code == 0
    assert result.stdout.startswith(f"deny: key:{town.merchant.name} reveal.issue Waybill {waybill_no}\n")
    assert "none lets a merchant do this at all" in result.stdout


def test_a_revoked_client_is_denied_by_its_key_whatever_the_policies_say(world: World, town: Town) -> None:
    waybill_no = town.waybill()
    gone = world.actor("carrier", carrier=town.carrier_slug)
    assert told(world, gone.name, "waybill.read", waybill_no)["allowed"]
    with world.admin() as conn:
        assert store.revoke_client(conn, gone.name, utc_now())

    answer = told(world, gone.name, "waybill.read", waybill_no)

    assert not answer["allowed"]
    assert answer["caller_hears"].startswith("401")


def test_a_reveal_is_explained_by_its_id(world: World, town: Town, elsewhere: Town) -> None:
    waybill_no = town.out_for_delivery()
    issued = town.courier.post("/v1/reveals", {"waybill_no": waybill_no, "purpose": "deliver"})
    reveal = issued.get_json()["reveal_id"]

    assert told(world, town.courier.name, "reveal.ack", reveal)["policies"] == ["courier-own-grants"]
    assert told(world, town.carrier.name, "reveal.revoke", reveal)["policies"] == [
        "carrier-revokes-own-grants"
    ]
    assert not told(world, elsewhere.carrier.name, "reveal.revoke", reveal)["allowed"]


@pytest.mark.parametrize(
    ("action", "policies"),
    [("waybill.event", ["carrier-own-parcels"]), ("fleet.list", ["carrier-own-fleet"]), ("waybill.list", [])],
)
def test_actions_of_a_carrier_are_asked_about_its_parcel_its_fleet_and_the_merchants_ground(
    world: World, town: Town, action: str, policies: list[str]
) -> None:
    answer = told(world, town.carrier.name, action, town.waybill())

    assert answer["policies"] == policies
    assert answer["allowed"] == bool(policies)


def test_no_personal_data_is_shown(world: World, town: Town) -> None:
    someone = canaries.person()
    waybill_no = town.out_for_delivery(town.tokenize(someone))

    shown = "".join(
        run(world, actor.name, "reveal.issue", waybill_no, "--purpose", "deliver", *more).output
        for actor in (town.courier, town.merchant, town.carrier)
        for more in ((), ("--json",))
    )

    assert waybill_no in shown
    assert list(canaries.leaks(shown.encode(), [someone.name, someone.phone, someone.detail])) == []


@pytest.mark.parametrize(
    ("name", "action", "on", "more", "code"),
    [
        ("nobody-of-that-name", "waybill.read", "?", (), 1),
        ("", "waybill.read", "there-is-no-such-number", (), 1),
        ("", "reveal.read", "rv_there-is-no-such-reveal", (), 1),
        ("", "reveal.issue", "?", (), 2),
    ],
)
def test_what_is_not_there_fails_and_a_missing_purpose_is_wrong_usage(
    world: World, town: Town, name: str, action: str, on: str, more: tuple[str, ...], code: int
) -> None:
    result = run(world, name or town.courier.name, action, town.waybill() if on == "?" else on, *more)

    # The command line turns what is raised into one line and exit code 1; the runner is below that.
    assert result.exit_code == code
    assert "deny" not in result.output


def test_an_action_that_there_is_not_is_said_to_be_none(world: World, town: Town) -> None:
    result = run(world, town.courier.name, "reveal.everything", town.waybill())

    assert result.exit_code == 2
    assert "there is no such action" in result.output
