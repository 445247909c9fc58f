"""A message to a recipient: who may send one, what the provider gets, and what becomes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.functional.notices.conftest import WINDOW, Waiting
from tests.functional.notices.provider import Provider
from tests.waiting import eventually
from tests.world import Actor, TurnedClock, World
from vault_gateway.notices.sender import PAUSES
from vault_gateway.notices.service import MOST_A_PARCEL


def test_the_recipient_gets_the_message_and_the_sender_never_sees_the_phone(
    waiting: Waiting, provider: Provider
) -> None:
    answer = waiting.notify()
    assert answer.status_code == 201, answer.text
    notice = answer.get_json()["notice_id"]
    sent = waiting.becomes(notice, "sent", 1)
    text = f"您的包裹已到达西湖驿站，取件码 {waiting.code}，请于11月11日09:00-21:00取件。"
    assert provider.taken == [(notice, waiting.recipient.e164, text)]
    for seen in (answer.text, str(sent)):
        assert waiting.recipient.phone not in seen
        assert waiting.code not in seen


def test_the_recipient_sees_that_a_notice_was_sent(waiting: Waiting, world: World) -> None:
    code = waiting.town.merchant.get(f"/v1/waybills/{waiting.waybill_no}").get_json()["receipt"]
    page = f"/receipt/{code}?lang=en"
    assert "Nobody has looked" in world.app.test_client().get(page).text
    waiting.becomes(waiting.queued(), "sent", 1)
    shown = world.app.test_client().get(page).text
    assert "pick-up or delivery notice" in shown
    assert waiting.code not in shown


def test_the_queue_holds_neither_number_nor_text_and_no_code_afterwards(
    waiting: Waiting, provider: Provider, world: World
) -> None:
    provider.plan.append(503)
    notice = waiting.queued()
    waiting.failed(notice, 1)
    rows = str(_rows(world, waiting))
    assert waiting.code in rows
    for secret in (waiting.recipient.phone, "您的包裹"):
        assert secret not in rows
    with world.admin() as conn:
        conn.execute("update notice set due_at = now() where waybill_no = %s", (waiting.waybill_no,))
    waiting.becomes(notice, "sent", 2)
    assert waiting.code not in str(_rows(world, waiting))


def _rows(world: World, waiting: Waiting) -> list[dict[str, object]]:
    with world.admin() as conn:
        return conn.execute("select * from notice where waybill_no = %s", (waiting.waybill_no,)).fetchall()


def test_the_phone_is_opened_on_behalf_of_the_sender_and_that_is_on_record_first(
    waiting: Waiting, provider: Provider, auditor: Actor
) -> None:
    notice = waiting.queued()
    waiting.becomes(notice, "sent")
    events = auditor.get(f"/v1/audit/events?waybill={waiting.waybill_no}&limit=10").get_json()["items"]
    [deliver, send] = [event for event in events if event["action"].startswith("notice.")]
    assert (send["action"], deliver["action"]) == ("notice.send", "notice.deliver")
    assert {event["actor"] for event in (send, deliver)} == {f"key:{waiting.town.station.name}"}
    assert (deliver["fields"], deliver["resource"]) == (["phone"], f"notice:{notice}")
    assert deliver["policies"] == ["station-notifies-about-held-parcels"]


@pytest.mark.parametrize("failure", [500, 503, 429, 401, 302, "cut", "hang"])
def test_what_fails_is_tried_again_later_with_the_same_id(
    waiting: Waiting, provider: Provider, clock: TurnedClock, failure: int | str
) -> None:
    provider.plan.extend([failure, failure])
    notice = waiting.queued()
    for tries in (1, 2):
        later = waiting.failed(notice, tries)
        assert len(provider.taken) == tries
        clock.advance(seconds=1.3 * PAUSES[tries - 1].total_seconds())
    waiting.becomes(notice, "sent", 3)
    provider.let_go.set()
    provider.let_go.clear()
    assert [id_ for id_, _, _ in provider.taken] == [notice] * 3
    assert len(set(provider.taken)) == 1
    assert later["notice_id"] == notice


def test_a_notice_that_nobody_takes_is_dead_in_the_end(
    waiting: Waiting, provider: Provider, clock: TurnedClock
) -> None:
    tries = len(PAUSES) + 1
    provider.plan.extend([503] * tries)
    notice = waiting.queued()
    for number, pause in enumerate(PAUSES, start=1):
        waiting.failed(notice, number)
        clock.advance(seconds=1.3 * pause.total_seconds())
    dead = waiting.becomes(notice, "dead", tries)
    assert dead["reason"] == "http_503"
    clock.advance(days=1)
    assert len(provider.taken) == tries


@pytest.mark.parametrize("status", [400, 422])
def test_what_the_provider_refuses_is_dead_at_once(
    waiting: Waiting, provider: Provider, status: int, auditor: Actor
) -> None:
    provider.plan.append(status)
    notice = waiting.queued()
    assert waiting.becomes(notice, "dead", 1)["reason"] == f"http_{status}"
    events = auditor.get(f"/v1/audit/events?waybill={waiting.waybill_no}&outcome=error").get_json()["items"]
    assert [(event["action"], event["reason"]) for event in events] == [("notice.deliver", f"http_{status}")]


def test_another_platforms_virtual_number_gets_no_message(
    waiting: Waiting, provider: Provider, auditor: Actor
) -> None:
    """It takes an extension, which a message cannot dial."""
    town, someone = waiting.town, replace(waiting.recipient, phone="18400913965-7576")
    waybill_no = town.waybill(town.tokenize(someone))
    town.hand_to_station(waybill_no)
    virtual = replace(waiting, waybill_no=waybill_no)
    assert virtual.becomes(virtual.queued(), "cancelled", 1)["reason"] == "virtual_number"
    assert provider.taken == []
    [stored] = _rows(town.world, virtual)
    assert stored["params"] is None
    events = auditor.get(f"/v1/audit/events?waybill={waybill_no}&action=notice.deliver").get_json()["items"]
    assert [(event["outcome"], event.get("reason")) for event in events] == [
        ("deny", "virtual_number"),
        ("allow", None),
    ]


def put_off(waiting: Waiting, provider: Provider) -> str:
    """A notice whose first try has failed."""
    provider.plan.append(503)
    notice = waiting.queued()
    waiting.failed(notice, 1)
    return notice


def test_a_parcel_that_is_over_gets_no_message(
    waiting: Waiting, provider: Provider, clock: TurnedClock
) -> None:
    notice = put_off(waiting, provider)
    assert waiting.town.event(waiting.waybill_no, "delivered").status_code == 201
    clock.advance(minutes=1)
    assert waiting.becomes(notice, "cancelled")["reason"] == "parcel_over"
    assert len(provider.taken) == 1


def test_an_erased_phone_gets_no_message(waiting: Waiting, provider: Provider, clock: TurnedClock) -> None:
    notice = put_off(waiting, provider)
    assert waiting.town.merchant.delete(f"/v1/tokens/{waiting.tokens.phone}").status_code in (200, 204)
    clock.advance(minutes=1)
    assert waiting.becomes(notice, "cancelled")["reason"] == "erased"
    assert len(provider.taken) == 1
    assert waiting.notify().status_code == 404


def test_a_parcel_that_has_left_the_station_is_not_the_stations_to_speak_of(
    waiting: Waiting, provider: Provider, clock: TurnedClock
) -> None:
    notice = put_off(waiting, provider)
    assert waiting.town.event(waiting.waybill_no, "in_transit").status_code == 201
    clock.advance(minutes=1)
    seen = eventually(
        lambda: dict(waiting.town.carrier.get(f"/v1/notices/{notice}").get_json()),
        lambda now: now["state"] == "cancelled",
    )
    assert seen["reason"] == "not_permitted"
    assert len(provider.taken) == 1


def test_carrier_station_and_courier_of_the_parcel_send_and_nobody_else(
    waiting: Waiting, here_elsewhere: Actor, provider: Provider
) -> None:
    town = waiting.town
    body = {"waybill_no": waiting.waybill_no, "template": "delivery_planned", "params": {"window": WINDOW}}
    assert town.carrier.post("/v1/notices", body).status_code == 201
    for who, status in (
        (town.merchant, 403),
        (town.platform, 403),
        (town.courier, 404),
        (here_elsewhere, 404),
    ):
        assert who.post("/v1/notices", body).status_code == status
    assert town.event(waiting.waybill_no, "out_for_delivery", courier=town.courier.name).status_code == 201
    assert town.courier.post("/v1/notices", {**body, "language": "en"}).status_code == 201
    assert town.station.post("/v1/notices", body).status_code == 404
    eventually(lambda: len(provider.taken), lambda taken: taken == 2)
    assert "Your parcel will be delivered 11 Nov 09:00-21:00." in {text for _, _, text in provider.taken}


@pytest.fixture
def here_elsewhere(world: World, waiting: Waiting) -> Actor:
    return world.actor(
        "station", app=waiting.town.station.app, carrier=waiting.town.carrier_slug, station="other"
    )


def test_a_notice_is_seen_by_its_sender_and_its_carrier_alone(
    waiting: Waiting, here_elsewhere: Actor, provider: Provider
) -> None:
    notice = waiting.queued()
    for who in (waiting.town.station, waiting.town.carrier):
        assert who.get(f"/v1/notices/{notice}").status_code == 200
    for who in (here_elsewhere, waiting.town.courier, waiting.town.merchant, waiting.town.platform):
        assert who.get(f"/v1/notices/{notice}").status_code == 404
    assert waiting.town.station.get("/v1/notices/nt_0").status_code == 404
    waiting.becomes(notice, "sent")


def test_a_repeated_request_is_one_notice(waiting: Waiting, provider: Provider) -> None:
    params = {"place": "西湖驿站", "code": waiting.code, "window": WINDOW}
    body = {"waybill_no": waiting.waybill_no, "template": "ready_for_pickup", "params": params}
    answers = [
        waiting.town.station.post("/v1/notices", body, headers={"Idempotency-Key": "once"}) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].get_json() == answers[1].get_json()
    waiting.becomes(answers[0].get_json()["notice_id"], "sent")
    assert len(provider.taken) == 1


def test_a_parcel_has_so_many_notices_and_no_more(waiting: Waiting, provider: Provider) -> None:
    for _ in range(MOST_A_PARCEL):
        waiting.queued()
    answer = waiting.notify()
    assert (answer.status_code, answer.get_json()["code"]) == (409, "notices_used_up")
    eventually(lambda: len(provider.taken), lambda taken: taken == MOST_A_PARCEL)


def test_without_a_provider_nothing_is_queued(waiting: Waiting, world: World) -> None:
    station = Actor(world.app, waiting.town.station.key, waiting.town.station.name)
    params = {"place": "西湖驿站", "code": waiting.code, "window": WINDOW}
    body = {"waybill_no": waiting.waybill_no, "template": "ready_for_pickup", "params": params}
    answer = station.post("/v1/notices", body)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "notices_off")
    assert _rows(world, waiting) == []


def test_there_is_no_other_text_than_that_of_a_template(waiting: Waiting, provider: Provider) -> None:
    for changed, code in (
        ({"template": "free_text"}, "template_unknown"),
        ({"params": {"code": waiting.code, "window": WINDOW}}, "validation_failed"),
        (
            {"params": {"place": "驿站", "code": "1", "window": WINDOW, "text": "call me"}},
            "validation_failed",
        ),
        (
            {"params": {"place": "call 19900001111", "code": "1", "window": WINDOW}},
            "validation_failed",
        ),
        ({"text": "call me"}, "validation_failed"),
        ({"to": "19900001111"}, "validation_failed"),
    ):
        answer = waiting.notify(**changed)
        assert (answer.status_code, answer.get_json()["code"]) == (422, code)
        assert "call" not in answer.text
    assert provider.taken == []
