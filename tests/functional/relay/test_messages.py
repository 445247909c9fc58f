"""Text messages: what is read from them, what is masked in them, and whom they reach."""

from __future__ import annotations

import pytest

from tests import canaries
from tests.functional.relay.conftest import (
    Line,
    add_numbers,
    e164,
    short_lived,
    wrong,
)
from tests.pool import no_numbers
from tests.world import World
from vault_gateway.relay.guessing import OF_A_CALLER


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
