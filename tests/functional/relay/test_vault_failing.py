"""Vault fails while a call is being connected: the telecom is told nothing, and owes nothing for it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.functional.keys.faulty_proxy import FaultyProxy, faulty_proxy
from tests.functional.relay import twilio as twilios
from tests.functional.relay.conftest import Line
from tests.functional.relay.twilio import PhoneCall, Twilio
from tests.world import Actor, World
from vault_gateway.relay import routing


@pytest.fixture(scope="module")
def proxy(world: World) -> Iterator[FaultyProxy]:
    with faulty_proxy(world.settings.vault_addr) as proxy:
        yield proxy


@pytest.fixture(autouse=True)
def well_again(proxy: FaultyProxy) -> Iterator[None]:
    yield
    proxy.break_after(0, "none")
    proxy.on_transit = None


@pytest.fixture(scope="module")
def proxied(world: World, telecom: Actor, proxy: FaultyProxy) -> Actor:
    """The telecom, on a gateway whose Vault is behind the proxy."""
    return replace(telecom, app=world.gateway(vault_addr=proxy.addr))


def owed(world: World, call_id: str) -> int:
    return int(
        world.row(
            "select count(*)::int as calls from relay_call where call_id = %s and recorded_at is null",
            (call_id,),
        )["calls"]
    )


# What Vault is asked for: the caller's digest, the phone, and then whom a call back reaches or the other phone.
@pytest.mark.parametrize(
    ("healthy", "errors"), [(1, ["vault_sealed"]), (2, [])], ids=["the phone", "who may call back"]
)
def test_a_call_that_was_not_told_is_owed_by_nobody(
    world: World,
    line: Line,
    proxied: Actor,
    proxy: FaultyProxy,
    auditor: Actor,
    healthy: int,
    errors: list[str],
) -> None:
    asked, call_id = replace(line, telecom=proxied), f"untold-{line.extension}"
    proxy.break_after(healthy, "503")
    failed = asked.call(line.courier_phone, line.extension, call_id=call_id)
    assert (failed.status_code, failed.get_json()["code"]) == (503, "vault_unavailable")
    assert owed(world, call_id) == 0
    assert asked.record(call_id, "failed").status_code == 404, (
        "or two failures of Vault would unlock `contact`"
    )
    path = f"/v1/audit/events?action=relay.route&waybill={line.waybill_no}&outcome="
    assert len(auditor.get(f"{path}allow").get_json()["items"]) == 1, "what was begun stays on record"
    assert [item["reason"] for item in auditor.get(f"{path}error").get_json()["items"]] == errors

    proxy.break_after(0, "none")
    for _ in range(2):
        again = asked.call(line.courier_phone, line.extension, call_id=call_id)
        assert again.get_json()["destination"] == line.recipient.e164
    assert owed(world, call_id) == 1


def test_a_destination_that_took_too_long_is_told_on_no_old_permission(
    world: World,
    line: Line,
    proxied: Actor,
    proxy: FaultyProxy,
    auditor: Actor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, call_id = replace(line, telecom=proxied), f"slow-{line.extension}"
    proxy.on_transit = lambda: time.sleep(0.3)
    with monkeypatch.context() as patched:
        patched.setattr(routing, "LONGEST_ROUTE_S", 0.5)
        failed = asked.call(line.courier_phone, line.extension, call_id=call_id)
    proxy.on_transit = None
    assert (failed.status_code, failed.get_json()["code"]) == (503, "too_slow")
    assert failed.headers["Retry-After"] == "2"
    assert owed(world, call_id) == 0
    path = f"/v1/audit/events?action=relay.route&waybill={line.waybill_no}&outcome=error"
    assert [item["reason"] for item in auditor.get(path).get_json()["items"]] == ["too_slow"]
    again = asked.call(line.courier_phone, line.extension, call_id=call_id)
    assert again.get_json()["destination"] == line.recipient.e164


def test_nor_is_one_that_turned_to_the_courier(
    world: World, line: Line, proxied: Actor, proxy: FaultyProxy
) -> None:
    asked, call_id = replace(line, telecom=proxied), f"turned-{line.extension}"
    proxy.break_after(2, "503")
    assert asked.call(line.recipient.phone, line.extension, call_id=call_id).status_code == 503
    assert owed(world, call_id) == 0


def test_one_that_was_told_before_or_meanwhile_is_still_owed(
    world: World, line: Line, proxied: Actor, proxy: FaultyProxy
) -> None:
    asked = replace(line, telecom=proxied)
    before, meanwhile = f"before-{line.extension}", f"meanwhile-{line.extension}"
    line.call(line.courier_phone, line.extension, call_id=before)
    told: list[str] = []

    def tell() -> None:
        if "/decrypt/" in proxy.paths[-1]:
            answer = line.call(line.courier_phone, line.extension, call_id=meanwhile)
            told.append(answer.get_json()["action"])

    for call_id, on_transit in ((before, None), (meanwhile, tell)):
        proxy.on_transit = on_transit
        proxy.break_after(1, "503")
        assert asked.call(line.courier_phone, line.extension, call_id=call_id).status_code == 503
        assert owed(world, call_id) == 1
        assert line.record(call_id, "end").status_code == 200
    assert set(told) == {"connect"}


def test_a_question_that_was_refused_meanwhile_was_told_nothing(
    world: World, line: Line, proxied: Actor, proxy: FaultyProxy
) -> None:
    asked, call_id = replace(line, telecom=proxied), f"refused-{line.extension}"

    def ask_for_another() -> None:
        if "/decrypt/" in proxy.paths[-1]:
            other = line.call(line.recipient.phone, line.extension, call_id=call_id)
            assert other.get_json() == {"action": "reject", "reason": "no_binding"}

    proxy.on_transit = ask_for_another
    proxy.break_after(1, "503")
    assert asked.call(line.courier_phone, line.extension, call_id=call_id).status_code == 503
    assert owed(world, call_id) == 0


def test_twilio_owes_nothing_either(world: World, line: Line, proxy: FaultyProxy) -> None:
    app = twilios.gateway(world, line.telecom.name, vault_addr=proxy.addr)
    call = PhoneCall(Twilio(app), f"+86{line.courier_phone}", line.number)
    [gather] = call.begins()
    keys = {**call.form, "CallStatus": "in-progress", "Digits": line.extension}
    proxy.break_after(1, "503")
    assert call.twilio.follow(gather["action"], keys).status_code == 503
    assert owed(world, call.sid) == 0
    proxy.break_after(0, "none")
    assert call.twilio.follow(gather["action"], keys).status_code == 200
    assert owed(world, call.sid) == 1
