"""The real service over HTTP, walked at random beside a model that is written from architecture.md ("Reveal: the state
machine") and from contract.md, and shares no code with the service.

Where two rules refuse a request, either of their answers will do; where none does, it has to be carried out.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from werkzeug.test import TestResponse

from tests import canaries
from tests.canaries import Person
from tests.functional.reveals.steps import ack, ask, claim, events, public, state
from tests.world import Actor, Town, TurnedClock, World, unique
from vault_gateway.reveals.seal import unseal

KEYS = {"A": X25519PrivateKey.generate(), "B": X25519PrivateKey.generate(), "none": None}
FIELDS_OF = {"deliver": {"name", "address"}, "contact": {"phone"}}
PER_PARCEL = 12


@dataclass
class Grant:
    """What architecture.md says of one grant."""

    reveal: str
    holder: int
    purpose: str
    expires: datetime
    key: str | None
    claimed: bool = False
    releases: int = 0
    first_release: datetime | None = None
    codes: list[str] = field(default_factory=list)
    ended: str | None = None

    @property
    def sealed(self) -> bool:
        return self.key not in (None, "none")

    @property
    def opens_until(self) -> datetime:
        if self.sealed and self.first_release is not None:
            return self.first_release + timedelta(seconds=120)
        return self.expires

    def can_open(self, now: datetime) -> bool:
        return self.ended is None and now < self.opens_until and self.releases < (4 if self.sealed else 1)

    def opens_for(self, key: str, now: datetime) -> bool:
        return self.can_open(now) and self.key in (None, key)

    def state(self, now: datetime) -> str:
        if self.ended is not None:
            return self.ended
        if now >= max(self.expires, self.opens_until):
            return "unconfirmed" if self.releases else "expired"
        return "claimed" if self.claimed else "issued"

    def counts(self, now: datetime) -> bool:
        """The count is given back for what was certainly not disclosed."""
        return self.releases > 0 or self.state(now) in ("issued", "claimed")


class Reveals(RuleBasedStateMachine):
    def __init__(self, town: Town, other: Actor, stranger: Actor, operator: Actor) -> None:
        super().__init__()
        self.world, self.town = town.world, town
        self.couriers = [town.courier, other]
        self.stranger, self.operator = stranger, operator

    @initialize(purpose=st.sampled_from(["deliver", "contact"]), key=st.sampled_from([*KEYS]))
    def a_parcel(self, purpose: str, key: str) -> None:
        self.world.clock.offset *= 0
        self.person: Person = canaries.person()
        self.tokens = self.town.tokenize(self.person)
        self.parcel = self.town.out_for_delivery(self.tokens)
        self.out, self.assigned, self.erased = True, 0, set[str]()
        self.grants: list[Grant] = []
        self.told: Counter[tuple[str, str]] = Counter()
        self.ask_for(0, purpose, key, at_once=False)

    @property
    def now(self) -> datetime:
        """The time, moved on where it is so near to a turn of some grant that a step could fall on both sides."""
        while any(
            abs((turn - self.world.clock()).total_seconds()) < 2
            for grant in self.grants
            for turn in (grant.expires, grant.opens_until)
        ):
            self.world.clock.advance(seconds=5)
        return self.world.clock()

    def grant(self, pick: random.Random) -> Grant:
        return self.grants[-1] if pick.random() < 0.6 else pick.choice(self.grants[-4:])

    @rule(
        assigned=st.sampled_from([True] * 5 + [False]),
        purpose=st.sampled_from(["deliver", "contact"]),
        key=st.sampled_from([*KEYS]),
        at_once=st.booleans(),
    )
    def issue(self, assigned: bool, purpose: str, key: str, at_once: bool) -> None:
        self.ask_for(self.assigned if assigned else 1 - self.assigned, purpose, key, at_once=at_once)

    def ask_for(self, by: int, purpose: str, key: str, *, at_once: bool) -> None:
        now = self.now
        body: dict[str, Any] = {"claim": True} if at_once else {}
        if (private := KEYS[key]) is not None:
            body["public_key"] = public(private)
        answer = ask(self.couriers[by], self.parcel, purpose, **body)
        refusals = set()
        if self.assigned != by:
            refusals.add(404)
        elif not self.out:
            refusals.add(403)
        else:
            if self.erased & FIELDS_OF[purpose]:
                refusals.add(404)
            if any(g.can_open(now) and (g.holder, g.purpose) == (by, purpose) for g in self.grants):
                refusals.add(409)
            if sum(g.counts(now) for g in self.grants) >= PER_PARCEL:
                refusals.add(429)
        if self.refused("reveal.issue", answer, refusals):
            return
        assert answer.status_code == 201, answer.text
        made = answer.get_json()
        expires = datetime.fromisoformat(made["expires_at"])
        assert timedelta(seconds=59) < expires - now < timedelta(seconds=62)
        grant = Grant(made["reveal_id"], by, purpose, expires, None if key == "none" else key)
        self.grants.append(grant)
        self.told["reveal.issue", "allow"] += 1
        if at_once:
            self.released(grant, key, now, made, lost=False)

    @precondition(lambda self: self.grants)
    @rule(
        pick=st.randoms(use_true_random=False),
        by=st.sampled_from([0] * 8 + [1, 2]),
        key=st.sampled_from(["same"] * 4 + [*KEYS]),
        lost=st.booleans(),
    )
    def claim(self, pick: random.Random, by: int, key: str, lost: bool) -> None:
        now, grant = self.now, self.grant(pick)
        key = (grant.key or "none") if key == "same" else key
        who = [self.couriers[grant.holder], self.couriers[1 - grant.holder], self.stranger][by]
        answer = claim(who, grant.reveal, KEYS[key])
        refusals = set()
        if by != 0:
            refusals.add(404)
        else:
            if not self.out or self.assigned != grant.holder:
                refusals.add(403)
            if not grant.opens_for(key, now):
                refusals.add(409)
            if self.erased & FIELDS_OF[grant.purpose]:
                refusals.add(404)
        if self.refused("reveal.claim", answer, refusals):
            return
        assert answer.status_code == 200, answer.text
        self.released(grant, key, now, answer.get_json(), lost=lost)

    def released(self, grant: Grant, key: str, now: datetime, body: dict[str, Any], *, lost: bool) -> None:
        """What a claim that was carried out means. A lost answer is one that nobody ever looks into."""
        grant.claimed, grant.key = True, key
        grant.releases += 1
        grant.first_release = grant.first_release or now
        self.told["reveal.claim", "allow"] += 1
        self.told["reveal.release", "allow"] += 1
        private = KEYS[key]
        assert ("sealed" in body) == (private is not None)
        inside = body if private is None else unseal(private, grant.reveal, body["sealed"])
        everything = {
            "name": self.person.name,
            "phone": self.person.e164,
            "address": {"country": "CN", **self.person.address},
        }
        assert inside["fields"] == {name: everything[name] for name in FIELDS_OF[grant.purpose]}
        if not lost:
            grant.codes.append(inside["ack_code"])

    @precondition(lambda self: self.grants)
    @rule(
        pick=st.randoms(use_true_random=False),
        by=st.sampled_from([0, 0, 1, 2]),
        code=st.sampled_from(["last", "first", "wrong"]),
    )
    def acknowledge(self, pick: random.Random, by: int, code: str) -> None:
        grant = self.grant(pick)
        who = [self.couriers[grant.holder], self.couriers[1 - grant.holder], self.stranger][by]
        right = code != "wrong" and bool(grant.codes)
        sent = grant.codes[-1 if code == "last" else 0] if right else "no-such-code"
        answer = ack(who, grant.reveal, sent)
        refusals = set()
        if by != 0:
            refusals.add(404)
        else:
            if not right:
                refusals.add(422)
            if grant.ended == "revoked":
                refusals.add(409)
        if self.refused("reveal.ack", answer, refusals):
            return
        assert answer.status_code == 200, answer.text
        if grant.ended is None:
            self.told["reveal.ack", "allow"] += 1
        grant.ended = "delivered"

    @precondition(lambda self: self.grants)
    @rule(
        pick=st.randoms(use_true_random=False),
        by=st.sampled_from(["carrier", "operator", "courier", "stranger"]),
    )
    def revoke(self, pick: random.Random, by: str) -> None:
        now, grant = self.now, self.grant(pick)
        who = {
            "carrier": self.town.carrier,
            "operator": self.operator,
            "courier": self.couriers[grant.holder],
            "stranger": self.stranger,
        }[by]
        answer = who.post(f"/v1/reveals/{grant.reveal}/revoke")
        refusals = set()
        if by in ("courier", "stranger"):
            refusals.add(404)
        elif grant.state(now) not in ("issued", "claimed"):
            refusals.add(409)
        if self.refused("reveal.revoke", answer, refusals):
            return
        assert answer.status_code == 200, answer.text
        self.told["reveal.revoke", "allow"] += 1
        grant.ended = "revoked"

    @rule(seconds=st.sampled_from([10, 10, 10, 30, 65, 130]))
    def wait(self, seconds: int) -> None:
        self.world.clock.advance(seconds=seconds)

    @rule(what=st.sampled_from(["same courier", "same courier", "other courier", "failed attempt"]))
    def carrier_moves(self, what: str) -> None:
        if what == "failed attempt" and self.out:
            assert self.town.event(self.parcel, "failed_attempt").status_code == 201
            self.out = False
            return
        to = 1 - self.assigned if what == "other courier" else self.assigned
        answer = self.town.event(self.parcel, "out_for_delivery", courier=self.couriers[to].name)
        assert answer.status_code == 201, answer.text
        self.out, self.assigned = True, to

    @precondition(lambda self: len(self.grants) > 5 and not self.erased)
    @rule(what=st.sampled_from(["name", "phone"]))
    def erase(self, what: str) -> None:
        token = getattr(self.tokens, what)
        assert self.town.merchant.delete(f"/v1/tokens/{token}").status_code == 204
        self.erased.add(what)

    @precondition(lambda self: self.grants)
    @rule(pick=st.randoms(use_true_random=False), method=st.sampled_from(["GET", "HEAD", "OPTIONS"]))
    def look(self, pick: random.Random, method: str) -> None:
        reveal = self.grant(pick).reveal
        for path in (f"/v1/reveals/{reveal}", f"/v1/reveals/{reveal}/claim"):
            assert b"ack_code" not in self.couriers[0].call(method, path).data
        self.told_by_looking(method, reveal)

    def told_by_looking(self, method: str, reveal: str) -> None:
        """Somebody else's grant is not there to be read, and the try is on record."""
        holder = next(grant.holder for grant in self.grants if grant.reveal == reveal)
        if method != "OPTIONS" and holder != 0:
            self.told["reveal.read", "deny"] += 1

    @invariant()
    def the_newest_grants_are_as_the_model_has_them(self) -> None:
        now = self.now if getattr(self, "grants", None) else None
        for grant in getattr(self, "grants", [])[-3:]:
            assert now is not None
            seen = state(self.couriers[grant.holder], grant.reveal)
            assert seen == (grant.state(now), grant.releases)

    def refused(self, action: str, answer: TestResponse, refusals: set[int]) -> bool:
        if not refusals:
            return False
        assert answer.status_code in refusals, (answer.status_code, refusals)
        assert answer.mimetype == "application/problem+json"
        assert not list(canaries.leaks(answer.data))
        self.told[action, "deny"] += 1
        return True

    def teardown(self) -> None:
        if not getattr(self, "grants", None):
            return
        now = self.now
        for grant in self.grants:
            assert state(self.town.carrier, grant.reveal) == (grant.state(now), grant.releases)
        logged = Counter((e["action"], e["outcome"]) for e in events(self.world, waybill=self.parcel))
        assert logged == self.told


def test_the_service_is_what_the_model_is(world: World, town: Town, clock: TurnedClock) -> None:
    other = world.actor("courier", carrier=town.carrier_slug)
    stranger, operator = world.actor("courier", carrier=unique("c")), world.actor("operator")

    class Walk(Reveals):
        def __init__(self) -> None:
            super().__init__(town, other, stranger, operator)

    # Under a minute. No shrinking: with a real service behind it that would take many times as long.
    bounds = settings(
        max_examples=14,
        stateful_step_count=50,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Walk, settings=bounds)
