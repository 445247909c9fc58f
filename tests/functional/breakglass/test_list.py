"""The list: a responder's issuer, an auditor's appointment, states and nothing that opens anything."""

from __future__ import annotations

from typing import Any

from tests import canaries
from tests.functional.breakglass.steps import approved, asked, opened_by
from tests.functional.reveals.steps import told
from tests.pages import every
from tests.responders import Desk
from tests.world import Actor, Town, World, unique


def listed(person: Actor) -> list[dict[str, Any]]:
    answer = person.get("/v1/break-glass")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.get_json()["items"]
    return items


def ids(person: Actor) -> list[str]:
    return [item["break_glass_id"] for item in listed(person)]


def test_each_sees_what_it_answers_for(world: World, town: Town, elsewhere: Town) -> None:
    one, two = Desk(world), Desk(world)
    mei, hui = one.responder(), two.responder()
    here, there = asked(mei, town.waybill()), asked(hui, elsewhere.waybill())
    assert ids(mei) == ids(one.responder()) == [here]
    assert ids(hui) == [there]
    everywhere = ids(world.actor("auditor"))
    assert everywhere.index(there) < everywhere.index(here)
    assert ids(world.actor("auditor", platform=town.platform_slug)) == [there, here]
    of_town = world.actor("auditor", platform=town.platform_slug, merchant=town.merchant_slug)
    assert ids(of_town) == [here]
    assert ids(world.actor("auditor", platform=unique("p"))) == []


def test_it_shows_states_and_no_value(world: World, town: Town) -> None:
    desk = Desk(world)
    mei, lan = desk.responder(), desk.responder()
    opened, waiting = asked(mei, town.waybill()), asked(mei, token=town.tokenize(canaries.person()).phone)
    inside = opened_by(mei, approved(lan, opened))
    waits, was_opened = listed(lan)
    assert (waits["break_glass_id"], waits["state"], "reveal" in waits) == (waiting, "requested", False)
    assert (was_opened["state"], was_opened["reveal"]["state"]) == ("approved", "claimed")
    assert was_opened["reveal"]["released"] == 1
    assert inside["ack_code"] not in str(was_opened)
    assert was_opened.keys() == {
        "break_glass_id", "state", "requested_by", "reason", "requested_at", "expires_at", "waybill_no",
        "approval", "reveal",
    }  # fmt: skip


def test_pages_hold_each_once(world: World, town: Town) -> None:
    mei = Desk(world).responder()
    made = [asked(mei, town.waybill()) for _ in range(5)]
    seen = every(mei, "/v1/break-glass", "limit=2")
    assert [item["break_glass_id"] for item in seen] == made[::-1]


def test_looking_is_an_event_itself(world: World, town: Town) -> None:
    auditor = world.actor("auditor", platform=town.platform_slug, merchant=town.merchant_slug)
    listed(auditor)
    (event,) = auditor.get(f"/v1/audit/events?action=breakglass.list&actor=key:{auditor.name}").get_json()[
        "items"
    ]
    assert (event["outcome"], event["policies"]) == ("allow", ["auditor-of-a-merchant"])


def test_nobody_else_has_a_list(world: World, town: Town) -> None:
    for person in (town.platform, town.merchant, town.carrier, town.courier, world.actor("operator")):
        assert told(person.get("/v1/break-glass")) == (403, "forbidden")
