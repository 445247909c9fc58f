"""Who reaches whom through a relay number, and who does not."""

from __future__ import annotations

from datetime import timedelta

from tests import canaries
from tests.functional.relay.conftest import (
    AFTER_SALES,
    ASKED,
    COOLDOWN,
    ON_THE_WAY,
    Line,
    short_lived,
    wrong,
)
from tests.pool import fresh_number, no_numbers
from tests.world import Actor, TurnedClock, World, unique


def test_the_label_has_the_number_and_masks_alone(line: Line) -> None:
    view = line.town.merchant.get(f"/v1/waybills/{line.waybill_no}").get_json()
    assert view["relay"]["number"] == line.number
    assert view["label"]["call"] == f"{line.number} {line.extension}"
    assert line.recipient.phone not in str(view)


def test_whoever_has_the_label_reaches_the_recipient_and_shows_the_relay_number(line: Line) -> None:
    for caller in (line.courier_phone, canaries.phone()):
        answer = line.call(caller, line.extension)
        body = answer.get_json()
        assert (body["action"], body["destination"]) == ("connect", line.recipient.e164)
        assert body["display"] == line.number
        assert body["max_seconds"] > 0
        assert answer.headers["Cache-Control"] == "no-store"


def test_without_an_extension_it_is_asked_for(line: Line) -> None:
    assert line.call(canaries.phone()).get_json() == ASKED


def test_an_extension_that_nobody_has_reaches_nobody(line: Line) -> None:
    for dialled in (
        wrong(line.extension),
        line.extension[:-1],
        f"{line.extension}0",
        "１２３４５６",
        "abcdef",
    ):
        answer = line.call(canaries.phone(), dialled).get_json()
        assert answer == {"action": "reject", "reason": "no_binding"}, dialled


def test_who_tries_extensions_is_locked_and_the_parcel_is_not(line: Line) -> None:
    stranger = canaries.phone()
    reasons = [line.call(stranger, wrong(line.extension)).get_json()["reason"] for _ in range(12)]
    assert reasons == ["no_binding"] * 10 + ["blocked"] * 2
    assert line.call(stranger, line.extension).get_json()["reason"] == "blocked"
    assert line.call(line.courier_phone, line.extension).get_json()["action"] == "connect"


def test_a_number_expires_rests_and_is_then_nobodys(line: Line, clock: TurnedClock) -> None:
    brief = short_lived(line, line.town.waybill(), days=1)
    clock.advance(days=1, seconds=60)
    assert brief.call(line.courier_phone, brief.extension).get_json()["reason"] == "expired"
    clock.advance(seconds=COOLDOWN.total_seconds())
    assert brief.call(line.courier_phone, brief.extension).get_json()["reason"] == "no_binding"


def test_a_released_number_rests(line: Line) -> None:
    binding = line.call(line.courier_phone, line.extension).get_json()["binding_id"]
    assert line.town.merchant.delete(f"/v1/relay/bindings/{binding}").status_code == 204
    assert line.call(line.courier_phone, line.extension).get_json()["reason"] == "cooling"
    assert line.call(line.recipient.phone).get_json()["reason"] == "cooling"


def test_delivery_leaves_time_for_questions_and_no_more(line: Line, clock: TurnedClock) -> None:
    assert line.town.event(line.waybill_no, "delivered").status_code == 201
    clock.advance(seconds=AFTER_SALES.total_seconds() - 60)
    assert line.call(line.courier_phone, line.extension).get_json()["action"] == "connect"
    clock.advance(minutes=2)
    assert line.call(line.courier_phone, line.extension).get_json()["reason"] == "expired"


def test_a_delay_keeps_the_number_alive(line: Line, clock: TurnedClock) -> None:
    clock.advance(seconds=(ON_THE_WAY - timedelta(days=1)).total_seconds())
    assert line.town.event(line.waybill_no, "failed_attempt").status_code == 201
    clock.advance(days=3)
    assert line.call(canaries.phone(), line.extension).get_json()["action"] == "connect"


def test_cancelling_closes_the_number_at_once(line: Line) -> None:
    view = line.town.new_waybill(relay=True)
    line.town.merchant.post(f"/v1/waybills/{view['waybill_no']}/cancel")
    answer = line.call(canaries.phone(), view["relay"]["extension"], called=view["relay"]["number"])
    assert answer.get_json()["reason"] == "cooling"


def test_a_corrected_recipient_is_reached_and_the_former_one_is_not(line: Line) -> None:
    former, new = canaries.person(), canaries.person()
    view = line.town.new_waybill(line.town.tokenize(former), relay=True)
    number, extension = view["relay"]["number"], view["relay"]["extension"]
    line.call(canaries.phone(), extension, called=number)
    recipient = line.town.tokenize(new).as_recipient()
    answer = line.town.merchant.patch(f"/v1/waybills/{view['waybill_no']}", {"recipient": recipient})
    assert answer.status_code == 200, answer.text
    reached = line.call(canaries.phone(), extension, called=number).get_json()
    assert reached["destination"] == new.e164
    assert line.call(former.phone, called=number).get_json() == ASKED


def test_another_telecom_hears_that_there_is_no_such_number(line: Line, world: World) -> None:
    other = world.actor("telecom")
    body = {"call_id": "c1", "medium": "voice", "caller": line.courier_phone, "extension": line.extension}
    foreign = other.post("/v1/relay/route", {**body, "called": line.number})
    unknown = other.post("/v1/relay/route", {**body, "called": fresh_number()})
    no_number = other.post("/v1/relay/route", {**body, "called": "12"})
    for answer in (foreign, unknown, no_number):
        assert answer.status_code == 404
        assert answer.get_json()["code"] == "not_found"


def test_nobody_but_a_telecom_asks_where_a_call_goes(line: Line, world: World, auditor: Actor) -> None:
    town = line.town
    body = {"call_id": "c1", "medium": "voice", "caller": "1", "called": line.number}
    body["extension"] = line.extension
    for actor in (town.merchant, town.platform, town.carrier, town.courier, town.station, auditor):
        assert actor.post("/v1/relay/route", body).status_code == 404


def test_a_hidden_caller_may_have_the_label_too(line: Line) -> None:
    assert line.call("anonymous", line.extension).get_json()["action"] == "connect"


def test_a_parcel_goes_without_a_number_when_there_is_none(world: World, line: Line) -> None:
    with no_numbers(world, "extension"):
        made = line.town.new_waybill(relay=True)
        assert made["relay"]["error"]["code"] == "relay_pool_exhausted"
        alone = line.town.merchant.post("/v1/relay/bindings", {"waybill_no": made["waybill_no"]})
        assert (alone.status_code, alone.get_json()["code"]) == (503, "relay_pool_exhausted")
        assert "Retry-After" in alone.headers


def test_only_the_parcels_owner_sees_and_releases_its_number(line: Line, elsewhere: object) -> None:
    binding = line.call(line.courier_phone, line.extension).get_json()["binding_id"]
    town = line.town
    seen = town.merchant.get(f"/v1/relay/bindings/{binding}").get_json()
    assert seen["extension"] == line.extension
    assert len(seen["calls"]) == 1
    stranger = town.world.actor("merchant", platform=town.platform_slug, merchant=unique("m"))
    for path in (
        f"/v1/relay/bindings/{binding}",
        f"/v1/relay/bindings/rb_{'0' * 26}",
        "/v1/relay/bindings/x",
    ):
        assert stranger.get(path).status_code == 404
        assert stranger.delete(path).status_code == 404
    assert town.courier.delete(f"/v1/relay/bindings/{binding}").status_code == 403
