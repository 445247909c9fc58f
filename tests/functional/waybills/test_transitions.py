"""A parcel's life: every pair of state and event, over HTTP."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests import canaries
from tests.world import Actor, Tokens, Town, TurnedClock, World, new_town, unique

# Written out once more, so that a slip in the product's table does not correct this one.
WAY_TO = {
    "created": [],
    "accepted": ["accepted"],
    "in_transit": ["accepted", "in_transit"],
    "at_station": ["accepted", "at_station"],
    "out_for_delivery": ["accepted", "out_for_delivery"],
    "failed_attempt": ["accepted", "out_for_delivery", "failed_attempt"],
    "delivered": ["accepted", "out_for_delivery", "delivered"],
    "returned": ["accepted", "returned"],
    "cancelled": ["cancelled"],
}
TRAVEL = {"in_transit", "at_station", "out_for_delivery", "returned"}
LEGAL = {
    "created": {"accepted", "cancelled"},
    "accepted": TRAVEL | {"cancelled"},
    "in_transit": TRAVEL,
    "at_station": TRAVEL | {"delivered"},
    "out_for_delivery": TRAVEL | {"delivered", "failed_attempt"},
    "failed_attempt": TRAVEL,
    "delivered": set(),
    "returned": set(),
    "cancelled": set(),
}
EVENTS = [state for state in WAY_TO if state != "created"]


def fields_of(town: Town, type_: str) -> dict[str, str]:
    if type_ == "out_for_delivery":
        return {"courier": town.courier.name}
    return {"station": town.station_slug} if type_ == "at_station" else {}


def parcel(town: Town, someone: Tokens, state: str) -> str:
    waybill_no = town.waybill(someone)
    for type_ in WAY_TO[state]:
        assert town.event(waybill_no, type_, **fields_of(town, type_)).status_code == 201
    return waybill_no


@pytest.mark.parametrize("state", WAY_TO)
def test_from_each_state_what_may_follow_does_and_nothing_else(
    town: Town, someone: Tokens, auditor: Actor, state: str
) -> None:
    for type_ in EVENTS:
        waybill_no = parcel(town, someone, state)
        answer = town.event(waybill_no, type_, **fields_of(town, type_))
        latest = auditor.get(f"/v1/audit/events?waybill={waybill_no}&limit=1").get_json()["items"][0]
        shown = town.merchant.get(f"/v1/waybills/{waybill_no}").get_json()
        assert latest["action"] == "waybill.event"
        assert latest["detail"] == {"type": type_}
        assert latest["actor"] == f"key:{town.carrier.name}"
        if type_ in LEGAL[state]:
            assert answer.status_code == 201
            assert answer.get_json()["state"] == shown["state"] == type_
            assert latest["outcome"] == "allow"
        else:
            assert answer.status_code == 409
            assert answer.get_json()["code"] == "illegal_transition"
            assert shown["state"] == state
            assert (latest["outcome"], latest["reason"]) == ("deny", "illegal_transition")


@pytest.mark.parametrize("state", WAY_TO)
def test_a_merchant_cancels_until_the_parcel_travels(
    town: Town, someone: Tokens, auditor: Actor, state: str
) -> None:
    waybill_no = parcel(town, someone, state)
    answer = town.merchant.post(f"/v1/waybills/{waybill_no}/cancel")
    latest = auditor.get(f"/v1/audit/events?waybill={waybill_no}&limit=1").get_json()["items"][0]
    assert latest["action"] == "waybill.cancel"
    if "cancelled" in LEGAL[state]:
        assert answer.status_code == 200
        assert answer.get_json()["state"] == "cancelled"
        assert latest["outcome"] == "allow"
    else:
        assert answer.status_code == 409
        assert (latest["outcome"], latest["reason"]) == ("deny", "illegal_transition")


@pytest.mark.parametrize("state", WAY_TO)
def test_the_recipient_is_corrected_before_the_carrier_accepts(
    town: Town, someone: Tokens, state: str
) -> None:
    waybill_no = parcel(town, someone, state)
    other = canaries.person()
    tokens = town.tokenize(other).as_recipient()
    answer = town.merchant.patch(f"/v1/waybills/{waybill_no}", {"recipient": tokens})
    mask = f"1******{other.phone[-4:]}"
    if state == "created":
        assert answer.status_code == 200
        assert answer.get_json()["recipient"]["phone"] == mask
    else:
        assert answer.status_code == 409
    shown = town.carrier.get(f"/v1/waybills/{waybill_no}").get_json()["recipient"]["phone"]
    assert (shown == mask) == (state == "created")


class TestFields:
    @pytest.mark.parametrize(
        ("type_", "more", "code"),
        [
            ("out_for_delivery", {}, "courier_required"),
            ("out_for_delivery", {"courier": "no-such"}, "courier_unknown"),
            ("at_station", {}, "station_required"),
            ("at_station", {"station": "no-such"}, "station_unknown"),
            ("in_transit", {"courier": "x"}, "validation_failed"),
            ("in_transit", {"station": "x"}, "validation_failed"),
            ("in_transit", {"deliver_by": "2030-01-01T00:00:00Z"}, "validation_failed"),
            ("created", {}, "validation_failed"),
            ("lost", {}, "validation_failed"),
            ("in_transit", {"at": "2030-01-01T00:00:00"}, "validation_failed"),
            ("in_transit", {"at": 5}, "validation_failed"),
            ("in_transit", {"state": "delivered"}, "validation_failed"),
        ],
    )
    def test_what_does_not_fit_is_refused_and_nothing_moves(
        self, town: Town, someone: Tokens, type_: str, more: dict[str, Any], code: str
    ) -> None:
        waybill_no = parcel(town, someone, "accepted")
        answer = town.event(waybill_no, type_, **more)
        assert answer.status_code == 422
        assert answer.get_json()["code"] == code
        assert town.merchant.get(f"/v1/waybills/{waybill_no}").get_json()["state"] == "accepted"

    def test_another_carriers_courier_and_station_are_unknown(
        self, town: Town, elsewhere: Town, someone: Tokens
    ) -> None:
        waybill_no = parcel(town, someone, "accepted")
        answer = town.event(waybill_no, "out_for_delivery", courier=elsewhere.courier.name)
        assert answer.get_json()["code"] == "courier_unknown"
        answer = town.event(waybill_no, "at_station", station=elsewhere.station_slug)
        assert answer.get_json()["code"] == "station_unknown"

    def test_an_event_does_not_happen_in_the_future(self, town: Town, someone: Tokens) -> None:
        waybill_no = parcel(town, someone, "accepted")
        late = (datetime.now(UTC) + timedelta(minutes=6)).isoformat()
        assert town.event(waybill_no, "in_transit", at=late).get_json()["code"] == "event_in_future"
        for at in (datetime.now(UTC) + timedelta(minutes=4), datetime.now(UTC) - timedelta(days=3)):
            assert town.event(waybill_no, "in_transit", at=at.isoformat()).status_code == 201
        assert town.event(waybill_no, "in_transit", at="0001-01-01T00:00:00+14:00").status_code == 201

    def test_a_delivery_window_ends_within_fourteen_days(self, town: Town, someone: Tokens) -> None:
        waybill_no = parcel(town, someone, "accepted")
        now = datetime.now(UTC)
        for wrong in (now - timedelta(seconds=1), now + timedelta(days=14, minutes=1)):
            answer = town.event(
                waybill_no, "out_for_delivery", courier=town.courier.name, deliver_by=wrong.isoformat()
            )
            assert answer.get_json()["code"] == "deliver_by_invalid"
        answer = town.event(waybill_no, "out_for_delivery", courier=town.courier.name)
        given = datetime.fromisoformat(answer.get_json()["deliver_by"])
        assert timedelta(hours=23, minutes=59) < given - now < timedelta(hours=24, minutes=1)
        end = now + timedelta(days=13)
        answer = town.event(
            waybill_no, "out_for_delivery", courier=town.courier.name, deliver_by=end.isoformat()
        )
        assert datetime.fromisoformat(answer.get_json()["deliver_by"]) == end


class TestTogether:
    def test_of_two_events_at_once_one_wins(self, town: Town, someone: Tokens) -> None:
        for _ in range(5):
            waybill_no, both = town.waybill(someone), threading.Barrier(2)

            def send(type_: str, waybill_no: str = waybill_no, both: threading.Barrier = both) -> int:
                both.wait()
                return town.event(waybill_no, type_).status_code

            with ThreadPoolExecutor(2) as pool:
                answers = sorted(pool.map(send, ["accepted", "accepted"]))
            assert answers == [201, 409]

    def test_accepted_and_cancelled_at_once_end_in_one_of_the_orders(
        self, town: Town, someone: Tokens
    ) -> None:
        for _ in range(5):
            waybill_no, both = town.waybill(someone), threading.Barrier(2)

            def accept(waybill_no: str = waybill_no, both: threading.Barrier = both) -> int:
                both.wait()
                return town.event(waybill_no, "accepted").status_code

            def cancel(waybill_no: str = waybill_no, both: threading.Barrier = both) -> int:
                both.wait()
                return town.merchant.post(f"/v1/waybills/{waybill_no}/cancel").status_code

            with ThreadPoolExecutor(2) as pool:
                accepted, cancelled = pool.submit(accept), pool.submit(cancel)
            # Accepted and then cancelled are both legal; cancelled first leaves nothing to accept.
            assert cancelled.result() == 200
            assert accepted.result() in (201, 409)
            shown = town.merchant.get(f"/v1/waybills/{waybill_no}").get_json()
            assert shown["state"] == "cancelled"


class TestRepeats:
    def test_an_event_repeated_with_its_key_answers_the_same_and_moves_nothing(
        self, town: Town, someone: Tokens, auditor: Actor
    ) -> None:
        waybill_no = parcel(town, someone, "accepted")
        headers = {"Idempotency-Key": unique("key")}
        body = {"type": "out_for_delivery", "courier": town.courier.name}
        path = f"/v1/waybills/{waybill_no}/events"
        first = town.carrier.post(path, body, headers=headers)
        assert first.status_code == 201
        again = town.carrier.post(path, body, headers=headers)
        assert (again.status_code, again.get_json()) == (201, first.get_json())
        assert town.event(waybill_no, "failed_attempt").status_code == 201
        much_later = town.carrier.post(path, body, headers=headers)
        assert much_later.get_json() == first.get_json()
        assert town.merchant.get(f"/v1/waybills/{waybill_no}").get_json()["state"] == "failed_attempt"
        events = auditor.get(f"/v1/audit/events?waybill={waybill_no}&action=waybill.event").get_json()[
            "items"
        ]
        assert len(events) == 3

    def test_the_key_is_no_way_around_the_wall(self, town: Town, elsewhere: Town, someone: Tokens) -> None:
        waybill_no = town.waybill(someone)
        headers = {"Idempotency-Key": unique("key")}
        path, body = f"/v1/waybills/{waybill_no}/events", {"type": "accepted"}
        assert town.carrier.post(path, body, headers=headers).status_code == 201
        assert elsewhere.carrier.post(path, body, headers=headers).status_code == 404
        assert town.carrier.post(path, {"type": "in_transit"}, headers=headers).status_code == 422


class TestReveals:
    """What a grant is worth once the parcel has moved on."""

    @pytest.mark.parametrize(
        "moved_to", ["failed_attempt", "at_station", "returned", "delivered", "in_transit"]
    )
    def test_a_grant_does_not_open_after_the_parcel_left_its_courier(
        self, town: Town, auditor: Actor, moved_to: str
    ) -> None:
        waybill_no = town.out_for_delivery()
        issued = town.courier.post("/v1/reveals", {"waybill_no": waybill_no, "purpose": "deliver"}).get_json()
        assert town.event(waybill_no, moved_to, **fields_of(town, moved_to)).status_code == 201
        answer = town.courier.post(f"/v1/reveals/{issued['reveal_id']}/claim")
        assert answer.status_code in (403, 404)
        assert "fields" not in answer.get_json()
        latest = auditor.get(f"/v1/audit/events?waybill={waybill_no}&limit=1").get_json()["items"][0]
        assert (latest["action"], latest["outcome"]) == ("reveal.claim", "deny")

    def test_nor_in_the_hands_of_the_next_courier(self, world: World, town: Town) -> None:
        other = world.actor("courier", carrier=town.carrier_slug)
        waybill_no = town.out_for_delivery()
        issued = town.courier.post("/v1/reveals", {"waybill_no": waybill_no, "purpose": "deliver"}).get_json()
        assert town.event(waybill_no, "out_for_delivery", courier=other.name).status_code == 201
        for someone in (town.courier, other):
            answer = someone.post(f"/v1/reveals/{issued['reveal_id']}/claim")
            assert answer.status_code in (403, 404)
        again = {"waybill_no": waybill_no, "purpose": "deliver", "claim": True}
        assert other.post("/v1/reveals", again).status_code == 201

    def test_nor_after_its_window(self, town: Town, clock: TurnedClock) -> None:
        waybill_no = town.waybill()
        town.event(waybill_no, "accepted")
        soon = (clock() + timedelta(seconds=20)).isoformat()
        town.event(waybill_no, "out_for_delivery", courier=town.courier.name, deliver_by=soon)
        issued = town.courier.post("/v1/reveals", {"waybill_no": waybill_no, "purpose": "deliver"}).get_json()
        clock.advance(seconds=30)
        answer = town.courier.post(f"/v1/reveals/{issued['reveal_id']}/claim")
        assert answer.status_code == 403
        assert answer.get_json()["code"] == "delivery_window_over"


def test_only_its_carrier_moves_a_parcel(town: Town, elsewhere: Town, someone: Tokens) -> None:
    waybill_no = parcel(town, someone, "created")
    path, body = f"/v1/waybills/{waybill_no}/events", {"type": "accepted"}
    for reader in (town.merchant, town.platform):
        assert reader.post(path, body).status_code == 403
    outsiders = (elsewhere.merchant, elsewhere.carrier, elsewhere.courier, town.courier, town.station)
    for outsider in (*outsiders, new_town(town.world).platform):
        assert outsider.post(path, body).status_code == 404
        assert outsider.post(f"/v1/waybills/{waybill_no}/cancel").status_code == 404
        assert outsider.patch(
            f"/v1/waybills/{waybill_no}", {"recipient": someone.as_recipient()}
        ).status_code == 404  # fmt: skip
    assert town.carrier.post(f"/v1/waybills/{waybill_no}/cancel").status_code == 403
