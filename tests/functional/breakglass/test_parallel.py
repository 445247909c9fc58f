"""Many at once, over two server processes: one approval counts, no quota is passed, what is revoked stays shut."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
import urllib3
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tests.functional.breakglass.steps import AGREED, WHY, approve, approved, asked, look, outline
from tests.functional.reveals.at_once import at_once, post
from tests.functional.reveals.steps import claim, public, row, told
from tests.responders import Desk
from tests.world import Actor, Town, World


@pytest.fixture(scope="module")
def servers(world: World, desk: Desk) -> Iterator[list[str]]:
    with world.served() as one, world.served() as two:
        for url in (one, two):
            # Has the issuer's keys: of the first requests at once only some would wait for them.
            answer = urllib3.request(
                "GET", f"{url}/v1/break-glass", headers={"Authorization": f"Bearer {desk.responder().key}"}
            )
            assert answer.status == 200
        yield [one, two]


def test_of_many_approvals_one_counts(
    world: World, town: Town, desk: Desk, mei: Actor, servers: list[str]
) -> None:
    waybill_no = town.waybill()
    request = asked(mei, waybill_no)
    colleagues = [desk.responder() for _ in range(12)]
    answers = at_once(
        12,
        lambda number: post(
            servers[number % 2],
            colleagues[number],
            f"/v1/break-glass/{request}/approve",
            {"reason": AGREED},
        ),
    )
    assert Counter(status for status, _ in answers) == {200: 1, 409: 11}
    assert {body["code"] for status, body in answers if status == 409} == {"break_glass_closed"}
    told_of = Counter(outline(world, waybill=waybill_no))
    assert told_of[("breakglass.approve", "allow", None)] == 1
    assert told_of[("breakglass.approve", "deny", "approved_before")] == 11
    (body,) = [body for status, body in answers if status == 200]
    assert look(mei, request)["approval"] == body["approval"]


def test_a_persons_quota_is_exact_under_concurrency(
    town: Town, desk: Desk, mei: Actor, servers: list[str]
) -> None:
    waybill_no = town.waybill()
    theirs = [asked(desk.responder(), waybill_no) for _ in range(6)]

    def take_part(number: int) -> int:
        """Asks and approves by turns, with two tokens of one person."""
        who = mei if number % 4 < 2 else other_token
        if number % 2:
            return post(
                servers[number % 3 % 2],
                who,
                f"/v1/break-glass/{theirs[number // 2]}/approve",
                {"reason": AGREED},
            )[0]
        return post(
            servers[number % 3 % 2], who, "/v1/break-glass", {"waybill_no": waybill_no, "reason": WHY}
        )[0]

    other_token = desk.responder(mei.name)
    done = Counter(at_once(12, take_part))
    assert (done[200] + done[201], done[429]) == (5, 7), done


def test_16_claims_at_once_open_four_times(
    world: World, town: Town, mei: Actor, lan: Actor, servers: list[str]
) -> None:
    reveal = approved(lan, asked(mei, town.waybill()))
    body = {"public_key": public(X25519PrivateKey.generate())}
    answers = at_once(16, lambda number: post(servers[number % 2], mei, f"/v1/reveals/{reveal}/claim", body))
    assert Counter(status for status, _ in answers) == {200: 4, 409: 12}
    assert row(world, reveal)["released"] == 4


@pytest.mark.parametrize("revoked", ["requester", "approver"])
def test_an_approval_that_races_a_revocation_opens_nothing_after_it(
    town: Town, desk: Desk, revoked: str
) -> None:
    """Whichever comes first: either nothing was approved, or what was approved does not open."""
    waybill_no = town.waybill()
    for _ in range(4):
        mei, lan = desk.responder(), desk.responder()
        request = asked(mei, waybill_no)
        look(lan, request)
        status = race(desk, request, lan, mei if revoked == "requester" else lan)
        shown = look(desk.responder(), request)
        assert status in (200, 401, 404)
        assert (status == 200) == (shown["state"] == "approved")
        if status == 200:
            again = desk.responder(mei.name)
            answer = claim(again, shown["reveal"]["reveal_id"], X25519PrivateKey.generate())
            assert told(answer) == (409, "reveal_spent")
            assert look(again, request)["reveal"]["released"] == 0


def race(desk: Desk, request: str, approver: Actor, revoked: Actor) -> int:
    """The status of the approval, with the revocation at the same moment."""

    def step(number: int) -> int:
        if number:
            return approve(approver, request).status_code
        desk.revoke_token_of(revoked)
        return 0

    return at_once(2, step)[1]
