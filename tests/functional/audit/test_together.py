"""A change and its event are one: both are there, or neither is."""

from __future__ import annotations

import threading

import pytest

from tests import canaries
from tests.functional.audit.conftest import CALLER, tenant_of
from tests.pages import all_events
from tests.waiting import eventually
from tests.world import Actor, Town, World
from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Ledger, refused
from vault_gateway.database import Connection
from vault_gateway.errors import GatewayError


def _waiting_for(admin: Connection, table: str) -> int:
    """The backend that waits for a lock on `table`."""
    waiting = "select pid from pg_locks where relation = %s::regclass and not granted"
    return int(eventually(lambda: admin.execute(waiting, (table,)).fetchall(), within_s=5)[0]["pid"])


def test_killed_between_the_change_and_its_event_neither_is_there(
    world: World, town: Town, auditor: Actor
) -> None:
    waybill_no = town.waybill()
    answers = []
    with world.admin() as conn, world.admin() as other, conn.transaction():
        conn.execute("lock table audit_event in exclusive mode")
        sender = threading.Thread(target=lambda: answers.append(town.event(waybill_no, "accepted")))
        sender.start()
        pid = _waiting_for(other, "audit_event")
        row = other.execute("select wait_event_type from pg_stat_activity where pid = %s", (pid,)).fetchone()
        assert row == {"wait_event_type": "Lock"}
        other.execute("select pg_terminate_backend(%s)", (pid,))
        sender.join()
    assert answers[0].status_code == 503
    assert answers[0].headers["Retry-After"]
    assert town.carrier.get(f"/v1/waybills/{waybill_no}").get_json()["state"] == "created"
    assert not all_events(auditor, f"waybill={waybill_no}&action=waybill.event")
    assert town.event(waybill_no, "accepted").status_code == 201


def test_a_log_that_cannot_be_written_stops_the_change(world: World, town: Town) -> None:
    """No audit, no change: past the lock's time the caller hears 503 and nothing has happened."""
    waybill_no = town.waybill()
    with world.admin() as conn, conn.transaction():
        conn.execute("lock table audit_event in exclusive mode")
        answer = town.event(waybill_no, "accepted")
    assert answer.status_code == 503
    assert town.carrier.get(f"/v1/waybills/{waybill_no}").get_json()["state"] == "created"


def test_a_refusal_is_written_although_all_else_rolls_back(
    town: Town, ledger: Ledger, auditor: Actor
) -> None:
    waybill_no = town.waybill()
    answer = GatewayError("test_refused", 418, "No.")

    def change_and_be_refused() -> None:
        with ledger.open(CALLER, tenant_of(town)) as unit:
            unit.conn.execute("update waybill set state = 'delivered' where waybill_no = %s", (waybill_no,))
            unit.record(Event("test.change", waybill=waybill_no))
            raise refused(Event("test.refused", waybill=waybill_no), answer, reason="because")

    with pytest.raises(GatewayError) as raised:
        change_and_be_refused()
    assert raised.value is answer
    events = all_events(auditor, f"waybill={waybill_no}")
    assert [event["action"] for event in events] == ["test.refused", "waybill.create"]
    assert (events[0]["outcome"], events[0]["reason"]) == ("deny", "because")
    assert town.carrier.get(f"/v1/waybills/{waybill_no}").get_json()["state"] == "created"


def test_an_error_in_the_middle_leaves_neither(town: Town, ledger: Ledger, auditor: Actor) -> None:
    waybill_no = town.waybill()

    def fail() -> None:
        with ledger.open(CALLER, tenant_of(town)) as unit:
            unit.record(Event("test.change", waybill=waybill_no))
            unit.conn.execute("update waybill set state = null where waybill_no = %s", (waybill_no,))

    with pytest.raises(GatewayError, match="internal"):
        fail()
    assert not all_events(auditor, f"waybill={waybill_no}&action=test.change")


def test_no_value_of_a_person_is_in_any_event(world: World, town: Town, auditor: Actor) -> None:
    someone = canaries.person()
    waybill_no = town.out_for_delivery(town.tokenize(someone))
    town.courier.post("/v1/reveals", {"waybill_no": waybill_no, "purpose": "deliver", "claim": True})
    town.merchant.post("/v1/tokens/search", {"kind": "phone", "value": someone.phone})
    town.carrier.post("/v1/couriers", {"handle": "wang", "phone": someone.phone})
    answer = auditor.get("/v1/audit/events?limit=1000")
    assert len(answer.get_json()["items"]) > 5
    assert not list(canaries.leaks(answer.data, [someone.name, someone.phone, someone.detail]))
