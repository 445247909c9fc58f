"""The pool as operators see it, and merchants' service numbers."""

from __future__ import annotations

import secrets
import subprocess
import sys

from tests import canaries
from tests.functional.relay.conftest import Line, add_numbers, short_lived
from tests.functional.relay.steps import bind_pair
from tests.world import Actor, Town, TurnedClock, World
from vault_gateway.waybills.relaying import MOST_BINDINGS


def test_operators_see_how_full_the_pool_is_and_nobody_else(line: Line, world: World) -> None:
    answer = world.actor("operator", app=world.gateway(client_rate="999999/minute")).get("/v1/relay/pool")
    assert answer.status_code == 200
    views = answer.get_json()["items"]
    [ours] = [view for view in views if (view["mode"], view.get("region")) == ("extension", "杭州市")]
    assert ours["live"] >= 1
    assert ours["live"] + ours["cooling"] + ours["free"] == ours["capacity"]
    assert ours["days_to_exhaustion"] > 0
    for who in (line.telecom, line.town.merchant, line.town.platform, line.town.carrier, line.town.courier):
        assert who.get("/v1/relay/pool").status_code == 403


def test_prometheus_sees_the_same(line: Line, world: World) -> None:
    app = world.gateway(client_rate="999998/minute")
    [ours] = [
        view
        for view in world.actor("operator", app=app).get("/v1/relay/pool").get_json()["items"]
        if (view["mode"], view.get("region")) == ("extension", "杭州市")
    ]
    text = app.test_client().get("/metrics").text
    for state in ("live", "cooling", "free"):
        wanted = f'vault_gateway_relay_places{{mode="extension",region="杭州市",state="{state}"}} '
        [value] = [row.removeprefix(wanted) for row in text.splitlines() if row.startswith(wanted)]
        assert float(value) == ours[state]
    assert 'vault_gateway_relay_days_to_exhaustion{mode="extension",region="杭州市"}' in text


def service_number(town: Town, number: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vault_gateway", "relay", "service-number", "set", number]
    where = ["--platform", town.platform_slug, "--merchant", town.merchant_slug]
    data = ["--data", str(town.world.instance.engines.data)]
    return subprocess.run([*command, *where, *data], capture_output=True, text=True, check=False)


def test_a_merchants_service_number_and_the_recipient_reach_each_other(
    line: Line, world: World, auditor: Actor
) -> None:
    add_numbers(world, line.telecom, 3, "axb")
    status, body = bind_pair(line.town.merchant, line.waybill_no)
    assert (status, body["code"]) == (422, "phone_not_registered")
    service = canaries.phone()
    done = service_number(line.town, service)
    assert (done.returncode, done.stderr) == (0, "")
    assert service not in done.stdout
    assert done.stdout.strip().endswith(service[-4:])
    status, body = bind_pair(line.town.merchant, line.waybill_no)
    assert status == 201, body
    pair = Line(
        line.town, line.telecom, line.recipient, line.courier_phone, line.waybill_no, body["number"], ""
    )
    assert pair.call(service).get_json()["destination"] == line.recipient.e164
    assert pair.call(line.recipient.phone).get_json()["destination"] == f"+86{service}"
    assert pair.call(canaries.phone()).get_json() == {"action": "reject", "reason": "unknown_caller"}
    # The courier's pair and its end are another matter.
    status, couriers = bind_pair(line.town.courier, line.waybill_no)
    assert (status, couriers["number"] == body["number"]) == (201, False)
    other = world.actor("courier", carrier=line.town.carrier_slug)
    assert line.town.event(line.waybill_no, "out_for_delivery", courier=other.name).status_code == 201
    assert pair.call(service).get_json()["action"] == "connect"
    [event] = [
        event
        for event in auditor.get("/v1/audit/events?action=relay.service_number").get_json()["items"]
        if event["merchant"] == line.town.merchant_slug
    ]
    assert (event["actor"], event["role"], event["outcome"]) == ("cli:operator", "operator", "allow")
    # A new number replaces it; the old one is erased and reaches nobody.
    assert service_number(line.town, canaries.phone()).returncode == 0
    assert pair.call(line.recipient.phone).get_json()["action"] == "reject"


def test_a_merchants_pair_leaves_the_couriers_alone(line: Line, world: World) -> None:
    """The recipient's end is the merchant's in both: it is the other end that says whose a pair is."""
    add_numbers(world, line.telecom, 3, "axb")
    _, couriers = bind_pair(line.town.courier, line.waybill_no)
    assert service_number(line.town, canaries.phone()).returncode == 0
    status, merchants = bind_pair(line.town.merchant, line.waybill_no)
    assert (status, couriers["number"] == merchants["number"]) == (201, False)
    assert line.call(line.courier_phone, called=couriers["number"]).get_json()["action"] == "connect"
    assert line.call(line.recipient.phone, called=couriers["number"]).get_json()["action"] == "connect"


def test_the_live_pair_comes_back_and_costs_nothing(line: Line, world: World) -> None:
    add_numbers(world, line.telecom, 2, "axb")
    _, first = bind_pair(line.town.courier, line.waybill_no)
    for _ in range(3):
        assert bind_pair(line.town.courier, line.waybill_no) == (201, first)


def test_a_service_number_of_an_unknown_platform_or_no_phone_is_refused(town: Town) -> None:
    done = service_number(town, "12")
    assert (done.returncode, done.stdout) == (1, "")
    command = [sys.executable, "-m", "vault_gateway", "relay", "service-number", "set", canaries.phone()]
    where = ["--platform", f"nowhere-{secrets.token_hex(4)}", "--merchant", "m"]
    data = ["--data", str(town.world.instance.engines.data)]
    ended = subprocess.run([*command, *where, *data], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "there is no platform" in ended.stderr


def use_up(town: Town, waybill_no: str, count: int) -> None:
    for _ in range(count):
        made = town.merchant.post("/v1/relay/bindings", {"waybill_no": waybill_no})
        assert made.status_code == 201, made.text
        assert town.merchant.delete(f"/v1/relay/bindings/{made.get_json()['binding_id']}").status_code == 204


def test_a_parcel_cannot_have_one_number_after_the_other(town: Town, telecom: Actor, world: World) -> None:
    waybill_no = town.waybill()
    use_up(town, waybill_no, MOST_BINDINGS)
    refused = town.merchant.post("/v1/relay/bindings", {"waybill_no": waybill_no})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "bindings_used_up")


def test_the_last_of_them_comes_back_all_the_same(line: Line, clock: TurnedClock) -> None:
    """That uses none up."""
    waybill_no = line.town.waybill()
    use_up(line.town, waybill_no, MOST_BINDINGS - 1)
    last = short_lived(line, waybill_no, hours=1)
    clock.advance(hours=2)
    again = line.town.merchant.post("/v1/relay/bindings", {"waybill_no": waybill_no})
    assert again.status_code == 201, again.text
    assert (again.get_json()["number"], again.get_json()["extension"]) == (last.number, last.extension)


def test_a_repeated_question_about_a_turned_call_gets_the_same_answer(line: Line) -> None:
    answers = [
        line.call(line.recipient.phone, line.extension, call_id=f"turned-{line.extension}").get_json()
        for _ in range(2)
    ]
    assert answers[0]["destination"] == f"+86{line.courier_phone}"
    assert answers[0] == answers[1]
