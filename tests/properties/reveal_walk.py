"""The real service over HTTP, walked at random beside the model of `reveal_model.py`.

Where two rules refuse a request, either of their answers will do; where none does, it has to be carried out.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from tests.functional.reveals.steps import ack, ask, claim, public
from tests.properties.reveal_ground import RevealGround
from tests.properties.reveal_model import FIELDS_OF, PER_PARCEL, Grant, Standing
from vault_gateway.reveals.seal import unseal

KEYS = {"A": X25519PrivateKey.generate(), "B": X25519PrivateKey.generate(), "none": None}


class Reveals(RevealGround):
    @initialize(purpose=st.sampled_from(["deliver", "contact"]), key=st.sampled_from([*KEYS]))
    def a_parcel_with_a_grant(self, purpose: str, key: str) -> None:
        self.set_out()
        self.ask_for(0, purpose, key, at_once=False)

    def grant(self, pick: random.Random) -> Grant:
        return self.grants[-1] if pick.random() < 0.6 else pick.choice(self.grants[-4:])

    def someone(self, grant: Grant, by: int) -> Standing:
        """The holder, the other courier, or one of another carrier."""
        return [self.couriers[grant.holder], self.couriers[1 - grant.holder], Standing(self.stranger)][by]

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
        answer = ask(self.couriers[by].actor, self.parcel, purpose, **body)
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
            if self.couriers[by].suspended:
                # Asked of the database with the count: at once.
                refusals.add(403)
        # One who was resumed just now may still be remembered as suspended.
        perhaps = {403} if self.couriers[by].may_be_suspended(now) else set[int]()
        if self.refused("reveal.issue", answer, refusals, self.couriers[by], now, perhaps):
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
        who = self.someone(grant, by)
        answer = claim(who.actor, grant.reveal, KEYS[key])
        refusals, perhaps = set[int](), set[int]()
        if by != 0:
            refusals.add(404)
        else:
            if not self.out or self.assigned != grant.holder or who.is_suspended(now):
                refusals.add(403)
            if who.may_be_suspended(now):
                perhaps.add(403)
            if not grant.opens_for(key, now):
                refusals.add(409)
            if self.erased & FIELDS_OF[grant.purpose]:
                refusals.add(404)
        if self.refused("reveal.claim", answer, refusals, who, now, perhaps):
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
        now, grant = self.now, self.grant(pick)
        who = self.someone(grant, by)
        right = code != "wrong" and bool(grant.codes)
        sent = grant.codes[-1 if code == "last" else 0] if right else "no-such-code"
        answer = ack(who.actor, grant.reveal, sent)
        refusals = set()
        if by != 0:
            refusals.add(404)
        else:
            if not right:
                refusals.add(422)
            if grant.ended == "revoked":
                refusals.add(409)
        if self.refused("reveal.ack", answer, refusals, who, now):
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
            "carrier": Standing(self.town.carrier),
            "operator": Standing(self.operator),
            "courier": self.couriers[grant.holder],
            "stranger": Standing(self.stranger),
        }[by]
        answer = who.actor.post(f"/v1/reveals/{grant.reveal}/revoke")
        refusals = set()
        if by in ("courier", "stranger"):
            refusals.add(404)
        elif grant.state(now) not in ("issued", "claimed"):
            refusals.add(409)
        if self.refused("reveal.revoke", answer, refusals, who, now):
            return
        assert answer.status_code == 200, answer.text
        self.told["reveal.revoke", "allow"] += 1
        grant.ended = "revoked"

    @precondition(lambda self: self.grants)
    @rule(pick=st.randoms(use_true_random=False), method=st.sampled_from(["GET", "HEAD", "OPTIONS"]))
    def look(self, pick: random.Random, method: str) -> None:
        """Opens nothing. Somebody else's grant is not there to be read, and the try is on record."""
        now, grant, who = self.now, self.grant(pick), self.couriers[0]
        assert b"ack_code" not in who.actor.call(method, f"/v1/reveals/{grant.reveal}/claim").data
        answer = who.actor.call(method, f"/v1/reveals/{grant.reveal}")
        assert b"ack_code" not in answer.data
        if method != "OPTIONS":
            self.refused("reveal.read", answer, set() if grant.holder == 0 else {404}, who, now)
