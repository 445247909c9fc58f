"""Who may not, when no more, and what they hear."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from psycopg.rows import dict_row

from tests import canaries
from tests.functional.breakglass.steps import (
    AGREED,
    WHY,
    approve,
    approved,
    ask,
    asked,
    events,
    look,
    opened_by,
    outline,
)
from tests.functional.reveals.steps import claim, told
from tests.responders import Desk
from tests.world import Actor, Town, TurnedClock, World
from vault_gateway.database import enter_tenant
from vault_gateway.ids import base32, new_id
from vault_gateway.model import Tenant

KEY = X25519PrivateKey.generate()


def test_nobody_approves_what_it_asked_for_itself(world: World, town: Town, desk: Desk, mei: Actor) -> None:
    waybill_no = town.waybill()
    request = asked(mei, waybill_no)
    assert told(approve(mei, request)) == (403, "own_request")
    # Another token, another request, the same person.
    assert told(approve(desk.responder(mei.name), request)) == (403, "own_request")
    denied = events(world, waybill=waybill_no, outcome="deny")
    assert [(one["reason"], one["policies"]) for one in denied] == [("own_request", ["own_request"])] * 2
    assert look(mei, request)["state"] == "requested"


def test_the_database_itself_takes_no_self_approval(world: World, town: Town, desk: Desk, mei: Actor) -> None:
    asked(mei, town.waybill())
    with psycopg.connect(world.settings.database_url, row_factory=dict_row) as conn:
        enter_tenant(conn, Tenant(town.platform_slug, town.merchant_slug).id)
        with pytest.raises(psycopg.errors.CheckViolation):
            conn.execute(
                "update break_glass set approver = requester, approver_jti = 'j', approver_reason = 'r',"
                " approved_at = now() where requester = %s",
                (desk.id_of(mei),),
            )


@pytest.mark.parametrize("what", ["requester", "reason", "waybill_id", "expires_at", "issuer", "token"])
def test_what_was_asked_for_is_never_changed(world: World, town: Town, mei: Actor, what: str) -> None:
    asked(mei, town.waybill())
    with psycopg.connect(world.settings.database_url, row_factory=dict_row) as conn:
        enter_tenant(conn, Tenant(town.platform_slug, town.merchant_slug).id)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(f"update break_glass set {what} = null")


def test_to_another_issuers_people_there_is_no_such_request(
    world: World, town: Town, desk: Desk, mei: Actor, lan: Actor
) -> None:
    stranger = Desk(world).responder(lan.name)
    waybill_no = town.waybill()
    request = asked(mei, waybill_no)
    unknown = f"bg_{base32(new_id(world.clock()))}"
    answers = [
        (stranger.get(f"/v1/break-glass/{id_}"), approve(stranger, id_)) for id_ in (request, unknown, "bg_x")
    ]
    assert {told(answer) for pair in answers for answer in pair} == {(404, "not_found")}
    bodies = [{**answer.get_json(), "request_id": ""} for pair in answers for answer in pair]
    assert all(body == bodies[0] for body in bodies)
    reveal = approved(lan, request)
    for who in (stranger, lan, town.courier):
        assert told(claim(who, reveal, KEY)) == (404, "not_found")
    assert ("breakglass.claim", "deny", "not_yours") in outline(world, waybill=waybill_no)
    opened_by(mei, reveal)


def test_what_is_unknown_foreign_or_erased_is_one_answer(world: World, town: Town, mei: Actor) -> None:
    gone = town.tokenize(canaries.person())
    waybill_no = town.waybill(gone)
    assert town.merchant.delete(f"/v1/tokens/{gone.phone}").status_code == 204
    unknown = f"ph_{base32(new_id(world.clock()))}"
    renamed = f"nm_{town.tokenize(canaries.person()).phone[3:]}"
    answers = [ask(mei, "NO-SUCH-PARCEL"), ask(mei, waybill_no)]
    answers += [ask(mei, token=token) for token in (gone.phone, unknown, renamed)]
    assert {told(answer) for answer in answers} == {(404, "not_found")}
    assert len({str({**answer.get_json(), "request_id": ""}) for answer in answers}) == 1
    # What is left of the recipient is there still.
    assert ask(mei, token=gone.name).status_code == 201


def test_what_is_erased_after_the_request_is_not_opened(town: Town, mei: Actor, lan: Actor) -> None:
    tokens = town.tokenize(canaries.person())
    before, after = (asked(mei, town.waybill(tokens)) for _ in range(2))
    reveal = approved(lan, before)
    assert town.merchant.delete(f"/v1/tokens/{tokens.address}").status_code == 204
    assert told(approve(lan, after)) == (404, "not_found")
    assert told(claim(mei, reveal, KEY)) == (404, "not_found")


def test_a_request_waits_15_minutes(
    world: World, town: Town, clock: TurnedClock, mei: Actor, lan: Actor
) -> None:
    waybill_no = town.waybill()
    request, late = asked(mei, waybill_no), asked(mei, waybill_no)
    clock.advance(minutes=14, seconds=50)
    approved(lan, request)
    clock.advance(seconds=20)
    assert told(approve(lan, late)) == (404, "not_found")
    assert ("breakglass.approve", "deny", "expired") in outline(world, waybill=waybill_no)
    assert look(mei, late)["state"] == "expired"
    assert told(approve(lan, request)) == (409, "break_glass_closed")


@pytest.mark.parametrize("revoked", ["requester", "approver"])
def test_a_person_revoked_in_between_ends_what_was_approved(
    world: World, town: Town, desk: Desk, mei: Actor, lan: Actor, revoked: str
) -> None:
    waybill_no = town.waybill()
    reveal = approved(lan, asked(mei, waybill_no))
    desk.revoke_token_of(mei if revoked == "requester" else lan)
    # The one who asked has another token, which is good.
    assert told(claim(desk.responder(mei.name), reveal, KEY)) == (409, "reveal_spent")
    assert ("breakglass.claim", "deny", f"{revoked}_revoked") in outline(world, waybill=waybill_no)


def test_a_redelivery_ends_with_the_approver_too(town: Town, desk: Desk, mei: Actor, lan: Actor) -> None:
    reveal = approved(lan, asked(mei, town.waybill()))
    assert claim(mei, reveal, KEY).status_code == 200
    desk.revoke_token_of(lan)
    assert told(claim(mei, reveal, KEY)) == (409, "reveal_spent")


def test_a_requester_revoked_in_between_is_not_approved(
    world: World, town: Town, desk: Desk, mei: Actor, lan: Actor
) -> None:
    waybill_no = town.waybill()
    request = asked(mei, waybill_no)
    desk.revoke_token_of(mei)
    assert told(approve(lan, request)) == (404, "not_found")
    assert ("breakglass.approve", "deny", "requester_revoked") in outline(world, waybill=waybill_no)


def test_an_approver_who_was_revoked_a_moment_ago_approves_nothing(
    town: Town, desk: Desk, mei: Actor, lan: Actor
) -> None:
    request = asked(mei, town.waybill())
    # The edge remembers for 3 s that the token is good.
    look(lan, request)
    desk.revoke_token_of(lan)
    assert approve(lan, request).status_code in (401, 404)
    assert look(mei, request)["state"] == "requested"


def test_an_issuer_that_is_trusted_no_more_ends_everything(world: World, town: Town) -> None:
    desk = Desk(world)
    mei, lan = desk.responder(), desk.responder()
    reveal, request = approved(lan, asked(mei, town.waybill())), asked(mei, town.waybill())
    desk.close()
    assert claim(mei, reveal, KEY).status_code in (401, 409)
    assert approve(lan, request).status_code in (401, 404)


def test_a_responder_without_a_token_that_can_be_revoked_is_nobody(world: World, desk: Desk) -> None:
    token = desk.provider.token(sub="mei", role="responder", jti=None)
    assert Actor(world.app, token, "mei").get("/v1/break-glass").status_code == 401


def test_a_day_has_five_parts_for_a_person_and_a_new_day_has_five_more(
    world: World, town: Town, desk: Desk, clock: TurnedClock, mei: Actor, lan: Actor
) -> None:
    waybill_no = town.waybill()
    requests = [asked(mei, waybill_no) for _ in range(5)]
    assert told(ask(mei, waybill_no)) == (429, "break_glass_limit")
    assert told(ask(desk.responder(mei.name), waybill_no)) == (429, "break_glass_limit")
    # Asking and approving count alike.
    asked(lan, waybill_no)
    for request in requests[:4]:
        approved(lan, request)
    assert told(approve(lan, requests[4])) == (429, "break_glass_limit")
    assert outline(world, waybill=waybill_no).count(("breakglass.request", "deny", "break_glass_limit")) == 2
    clock.advance(hours=24)
    ask_again = desk.responder(mei.name)
    assert ask(ask_again, waybill_no).status_code == 201


def test_a_refused_request_costs_nothing(town: Town, mei: Actor) -> None:
    for _ in range(6):
        assert ask(mei, "NO-SUCH-PARCEL").status_code == 404
    assert ask(mei, town.waybill()).status_code == 201


def test_no_other_role_asks_approves_or_looks(world: World, town: Town, mei: Actor) -> None:
    request = asked(mei, town.waybill())
    people = [town.platform, town.merchant, town.carrier, town.courier, town.station]
    people += [world.actor(role) for role in ("telecom", "auditor", "operator")]
    for person in people:
        assert told(ask(person, "NO-SUCH-PARCEL")) == told(ask(person, town.waybill())) == (403, "forbidden")
        assert told(approve(person, request)) == (404, "not_found")
    for person in people[:-1]:
        assert told(person.get(f"/v1/break-glass/{request}")) == (404, "not_found")
    assert look(people[-1], request)["state"] == "requested"


PHONE = canaries.phone()


@pytest.mark.parametrize(
    "reason",
    [
        "too short",
        "         x         ",
        "x" * 201,
        "a line\nof its own here",
        "a null \x00 somewhere here",
        "<script>alert(1)</script> it burns",
        "write to someone@example.com please",
        f"the recipient is {PHONE} call",
        f"the recipient is {PHONE[:3]} {PHONE[3:7]} {PHONE[7:]}",
        f"it is {'x'.join(PHONE)} as I was told",
        "全角数字：１３８００００ 那里",
        "一三八零零一二三 打这个电话号码",
        "bidi \u202e override in a reason",
        7,
        None,
        ["a reason in a list"],
    ],
    # Workers of a run have to name them alike, and the phone is another one in each.
    ids=[str(position) for position in range(16)],
)
def test_a_reason_names_nobody_and_is_never_repeated(town: Town, mei: Actor, lan: Actor, reason: Any) -> None:
    request = asked(mei, town.waybill())
    for answer in (ask(mei, "NO-SUCH-PARCEL", reason=reason), approve(lan, request, reason)):
        assert told(answer) == (422, "validation_failed")
        assert not isinstance(reason, str) or reason not in answer.text


@pytest.mark.parametrize(
    "reason", [WHY, AGREED, "包裹漏液，气味刺鼻，情况紧急。", "Ticket #48213: gas, door 4 (B)"]
)
def test_a_reason_is_in_anybodys_words(town: Town, mei: Actor, reason: str) -> None:
    assert look(mei, asked(mei, town.waybill(), reason=reason))["reason"] == reason


@pytest.mark.parametrize(
    "more",
    [
        {"token": "ph_01m74sxx00ehhapkn3c9vp3gwa"},
        {"approved_by": "jwt:x:y"},
        {"state": "approved"},
        {"tenant_id": "x"},
        {"expires_at": "2030-01-01T00:00:00Z"},
        {"public_key": "x"},
    ],
)
def test_a_request_of_another_shape_makes_nothing(town: Town, mei: Actor, more: dict[str, Any]) -> None:
    assert told(ask(mei, town.waybill(), **more)) == (422, "validation_failed")
    assert told(mei.post("/v1/break-glass", {"reason": WHY})) == (422, "validation_failed")
