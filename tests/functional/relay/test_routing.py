"""Who reaches whom through a relay number, and who does not."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests import canaries
from tests.functional.relay.conftest import (
    AFTER_SALES,
    COOLDOWN,
    ON_THE_WAY,
    Line,
    add_numbers,
    e164,
    short_lived,
    wrong,
)
from tests.pool import DIGITS, fresh_number, no_numbers
from tests.world import Actor, TurnedClock, World, unique
from vault_gateway.relay.guessing import OF_A_CALLER

ASKED = {"action": "ask_extension", "digits": DIGITS}


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


def test_the_recipient_calls_back_without_an_extension_and_reaches_the_courier(line: Line) -> None:
    assert line.call(line.recipient.phone).get_json() == ASKED
    line.call(line.courier_phone, line.extension)
    back = line.call(line.recipient.phone).get_json()
    assert (back["action"], back["destination"]) == ("connect", e164(line.courier_phone))
    assert back["display"] == line.number


def test_who_cannot_call_back_any_more_may_dial_another_parcels_extension(line: Line) -> None:
    line.call(line.courier_phone, line.extension)
    assert line.town.event(line.waybill_no, "at_station", station=line.town.station_slug).status_code == 201
    assert line.call(line.recipient.phone).get_json() == ASKED


def test_the_recipient_who_dials_the_own_extension_reaches_the_courier(line: Line) -> None:
    answer = line.call(line.recipient.phone, line.extension).get_json()
    assert (answer["action"], answer["destination"]) == ("connect", e164(line.courier_phone))


def test_calling_back_ends_a_day_after_the_call(line: Line, clock: TurnedClock) -> None:
    line.call(line.courier_phone, line.extension)
    clock.advance(hours=25)
    assert line.call(line.recipient.phone).get_json() == ASKED


def test_a_later_call_lets_the_recipient_call_back_for_longer_and_few_write_so(
    world: World, line: Line, clock: TurnedClock
) -> None:
    def known_until() -> datetime:
        with world.admin() as conn:
            row = conn.execute(
                "select until from relay_callback where number = %s", (line.number,)
            ).fetchone()
        assert row is not None
        return datetime.fromisoformat(str(row["until"]))

    with world.admin() as conn:
        conn.execute("delete from relay_callback where number = %s", (line.number,))
    line.call(line.courier_phone, line.extension)
    first = known_until()
    clock.advance(hours=11)
    line.call(line.courier_phone, line.extension)
    assert known_until() == first
    clock.advance(hours=12.9)
    line.call(line.courier_phone, line.extension)
    clock.advance(hours=0.2)
    back = line.call(line.recipient.phone).get_json()
    assert (back["action"], back["destination"]) == ("connect", e164(line.courier_phone))
    assert known_until() > first


def test_nobody_is_known_for_longer_than_the_number_lives(
    world: World, line: Line, clock: TurnedClock
) -> None:
    brief, written = short_lived(line, line.town.out_for_delivery(), hours=3), set()
    for _ in range(3):
        assert brief.call(line.courier_phone, brief.extension).get_json()["action"] == "connect"
        with world.admin() as conn:
            [row] = conn.execute(
                "select c.xmin::text, c.until = s.expires_at as till_the_end from relay_callback c"
                " join relay_slot s using (number, binding_id) where s.number = %s and s.dialled = %s",
                (brief.number, brief.extension.encode()),
            ).fetchall()
        assert row["till_the_end"]
        written.add(row["xmin"])
        clock.advance(minutes=50)
    assert len(written) == 1, "once, and not with each call"


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


def test_a_repeated_question_is_answered_alike(line: Line, auditor: Actor) -> None:
    first = line.call(line.courier_phone, line.extension, call_id="same")
    again = line.call(line.courier_phone, line.extension, call_id="same")
    assert first.get_json() == again.get_json()
    other = line.call(canaries.phone(), line.extension, call_id="same")
    assert other.get_json()["reason"] == "no_binding"
    # What was not told is on record as a denial alone.
    path = f"/v1/audit/events?action=relay.route&waybill={line.waybill_no}"
    outcomes = [item["outcome"] for item in auditor.get(path).get_json()["items"]]
    assert sorted(outcomes) == ["allow", "allow", "deny"]


def test_numbers_in_a_message_are_masked_and_the_extension_is_read_from_it(line: Line) -> None:
    text = f"{line.extension} 我在门口，打我电话 138 0013 8000 或 一三八零零一三八零零零，共 3 件"
    answer = line.call(line.courier_phone, medium="sms", text=text).get_json()
    assert answer["destination"] == line.recipient.e164
    assert answer["text"] == "我在门口，打我电话 ******* 或 *******，共 3 件"


def test_only_what_a_message_begins_with_is_taken_for_its_extension(line: Line) -> None:
    """Six digits of a number further on are no extension: without them too little would be left to mask."""
    answer = line.call(
        line.courier_phone, line.extension, medium="sms", text="call 13800138000 now"
    ).get_json()
    assert answer["text"] == "call ******* now"


def test_a_recipient_who_answers_with_digits_is_calling_back(line: Line) -> None:
    """The code of a gate may be another parcel's extension. It reaches nobody else, is no guess, and is said."""
    others = line.town.new_waybill(relay=True)["relay"]
    line.call(line.courier_phone, line.extension)
    for code in (others["extension"], *(wrong(line.extension) for _ in range(OF_A_CALLER + 1))):
        text = f"{code}# is the code of the gate"
        answer = line.call(line.recipient.phone, medium="sms", text=text).get_json()
        assert (answer["action"], answer.get("destination")) == ("connect", e164(line.courier_phone))
        assert answer["text"] == text


@pytest.mark.parametrize("over", ["at a station", "closed"])
def test_who_cannot_be_called_back_takes_no_extension_from_the_recipient(
    world: World, line: Line, over: str
) -> None:
    """A recipient may have another parcel's label too, and in a message there is one way to dial."""
    other = canaries.person()
    with no_numbers(world, "extension"):
        add_numbers(world, line.telecom, 1, "extension")
        own = line.town.out_for_delivery(line.town.tokenize(line.recipient))
        first = short_lived(line, own, days=5)
        second = short_lived(line, line.town.waybill(line.town.tokenize(other)), days=5)
    assert first.number == second.number
    binding = first.call(line.courier_phone, first.extension).get_json()["binding_id"]
    if over == "closed":
        assert line.town.merchant.delete(f"/v1/relay/bindings/{binding}").status_code == 204
    else:
        assert line.town.event(own, "at_station", station=line.town.station_slug).status_code == 201
    text = f"{second.extension} I have your parcel"
    answer = first.call(line.recipient.phone, medium="sms", text=text).get_json()
    assert (answer["action"], answer.get("destination")) == ("connect", other.e164)
    assert answer["text"] == "I have your parcel"
    wrongly = f"{wrong(second.extension)} hello"
    answer = first.call(line.recipient.phone, medium="sms", text=wrongly).get_json()
    assert answer == {"action": "reject", "reason": "no_binding"}


def test_digits_that_were_not_dialled_are_passed_on(line: Line) -> None:
    for text in ("123456 opens the gate", f"{wrong(line.extension)}: this is the code"):
        answer = line.call(line.courier_phone, line.extension, medium="sms", text=text).get_json()
        assert answer["text"] == text
    text = f"{line.extension} dialled twice"
    answer = line.call(line.courier_phone, line.extension, medium="sms", text=text).get_json()
    assert answer["text"] == "dialled twice"


def test_a_hidden_caller_may_have_the_label_too(line: Line) -> None:
    assert line.call("anonymous", line.extension).get_json()["action"] == "connect"


def test_every_question_is_an_event(line: Line, auditor: Actor) -> None:
    line.call(line.courier_phone, line.extension)
    [allowed] = auditor.get(f"/v1/audit/events?action=relay.route&waybill={line.waybill_no}").get_json()[
        "items"
    ]
    assert (allowed["outcome"], allowed["fields"]) == ("allow", ["phone"])
    line.call(canaries.phone(), wrong(line.extension), call_id=f"denied-{line.extension}")
    items = auditor.get("/v1/audit/events?action=relay.route&outcome=deny").get_json()["items"]
    [denied] = [item for item in items if item["detail"]["call"] == f"denied-{line.extension}"]
    assert denied["reason"] == "no_binding"
    assert allowed["policies"] == ["telecom-own-numbers"]
    call_id = f"asked-{line.extension}"
    assert line.call(canaries.phone(), call_id=call_id).get_json() == ASKED
    items = auditor.get("/v1/audit/events?action=relay.route&outcome=allow").get_json()["items"]
    [asked] = [item for item in items if item["detail"]["call"] == call_id]
    assert (asked["reason"], asked["resource"]) == ("ask_extension", f"number:{line.number}")
    assert "waybill" not in asked
    assert asked["policies"] == ["telecom-own-numbers"]


def test_a_call_that_was_not_connected_is_in_the_log_of_its_parcels_merchant(
    world: World, line: Line
) -> None:
    binding = line.call(line.courier_phone, line.extension).get_json()["binding_id"]
    assert line.town.merchant.delete(f"/v1/relay/bindings/{binding}").status_code == 204
    line.call(canaries.phone(), line.extension)
    auditor = world.actor("auditor", platform=line.town.platform_slug, merchant=line.town.merchant_slug)
    path = f"/v1/audit/events?action=relay.route&outcome=deny&waybill={line.waybill_no}"
    [event] = auditor.get(path).get_json()["items"]
    assert event["reason"] == "cooling"


def test_a_telecom_that_reports_nothing_is_told_nothing(world: World, line: Line, clock: TurnedClock) -> None:
    strict = world.gateway(unrecorded_routes=3)
    telecom = Actor(strict, line.telecom.key, line.telecom.name)
    asked = Line(
        line.town, telecom, line.recipient, line.courier_phone, line.waybill_no, line.number, line.extension
    )
    for _ in range(4):
        assert line.call(line.courier_phone, line.extension).get_json()["action"] == "connect"
    clock.advance(minutes=16)
    assert asked.call(line.courier_phone, line.extension).get_json()["reason"] == "quota"


def test_a_call_that_goes_nowhere_is_owed_by_nobody(line: Line) -> None:
    """Else one person shut a telecom's line for a day, dialling the own extension again and again."""
    assert line.town.event(line.waybill_no, "in_transit").status_code == 201
    own = {"call_id": f"own-{line.extension}"}
    answer = line.call(line.recipient.phone, line.extension, **own).get_json()
    assert answer == {"action": "reject", "reason": "no_binding"}
    assert line.record(own["call_id"], "end").status_code == 404, "as after any call that was refused"


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
