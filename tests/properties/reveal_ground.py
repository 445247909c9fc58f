"""One parcel, two couriers and what happens around the grants of `reveal_walk.py`: time, the carrier, the end of a
courier, erasure. What is told of them is held against the model after each step and at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from werkzeug.test import TestResponse

from tests import canaries
from tests.canaries import Person
from tests.functional.reveals.steps import events, state
from tests.properties.reveal_model import Grant, Standing
from tests.world import Actor, Town
from vault_gateway.couriers import store as courier_store
from vault_gateway.identity import store as identity_store


class RevealGround(RuleBasedStateMachine):
    def __init__(self, town: Town, stranger: Actor, operator: Actor) -> None:
        super().__init__()
        self.world, self.town = town.world, town
        self.stranger, self.operator = stranger, operator
        self.grants: list[Grant] = []

    def set_out(self) -> None:
        """A parcel goes out with the first of two couriers."""
        carrier = self.town.carrier_slug
        self.couriers = [
            Standing(self.world.actor("courier", app=self.town.courier.app, carrier=carrier))
            for _ in range(2)
        ]
        self.person: Person = canaries.person()
        self.tokens = self.town.tokenize(self.person)
        self.parcel = self.town.waybill(self.tokens)
        assert self.town.event(self.parcel, "accepted").status_code == 201
        self.out, self.assigned, self.erased = False, 0, set[str]()
        self.told: Counter[tuple[str, str]] = Counter()
        self.carrier_moves("same courier")

    @property
    def now(self) -> datetime:
        """The time, moved on where it is so near to a turn of something that a step could fall on both sides."""
        while any(abs((turn - self.world.clock()).total_seconds()) < 2 for turn in self.turns()):
            self.world.clock.advance(seconds=5)
        return self.world.clock()

    def turns(self) -> list[datetime]:
        turns = [turn for grant in self.grants for turn in (grant.expires, grant.opens_until)]
        changes = [at for courier in self.couriers for at in (courier.ended, courier.changed)]
        return turns + [at + timedelta(seconds=5) for at in changes if at is not None]

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
        answer = self.town.event(self.parcel, "out_for_delivery", courier=self.couriers[to].actor.name)
        if self.couriers[to].removed:
            assert (answer.status_code, answer.get_json()["code"]) == (422, "courier_unknown")
            return
        assert answer.status_code == 201, answer.text
        self.out, self.assigned = True, to

    @precondition(lambda self: len(self.grants) > 3 and not any(c.ended for c in self.couriers))
    @rule(which=st.sampled_from([0, 1]), how=st.sampled_from(["key revoked", "handle removed"]))
    def courier_ends(self, which: int, how: str) -> None:
        """One of the two is nobody any more, and what it was given with it."""
        courier = self.couriers[which]
        if how == "handle removed":
            assert self.town.carrier.delete(f"/v1/couriers/{courier.actor.name}").status_code == 204
            courier.removed = True
        else:
            with self.world.admin() as conn:
                assert identity_store.revoke_client(conn, courier.actor.name, self.world.clock())
        courier.ended = self.world.clock()

    @precondition(lambda self: self.grants)
    @rule(which=st.sampled_from([0, 1]))
    def suspended_or_resumed(self, which: int) -> None:
        """As the alarm does it, and as the carrier lifts it."""
        courier = self.couriers[which]
        if courier.removed:
            return
        if courier.suspended:
            answer = self.town.carrier.post(f"/v1/couriers/{courier.actor.name}/resume")
            assert answer.status_code == 200, answer.text
        else:
            with self.world.admin() as conn:
                now, carrier = self.world.clock(), self.town.carrier_slug
                assert courier_store.suspend(conn, carrier, courier.actor.name, "many_recipients", now)
        courier.suspended = not courier.suspended
        courier.changed = self.world.clock()

    @precondition(lambda self: len(self.grants) > 5 and not self.erased)
    @rule(what=st.sampled_from(["name", "phone"]))
    def erase(self, what: str) -> None:
        token = getattr(self.tokens, what)
        assert self.town.merchant.delete(f"/v1/tokens/{token}").status_code == 204
        self.erased.add(what)

    @invariant()
    def the_newest_grants_are_as_the_model_has_them(self) -> None:
        if not self.grants:
            return
        now = self.now
        for grant in self.grants[-3:]:
            holder = self.couriers[grant.holder]
            seen = state(self.town.carrier if holder.may_be_nobody() else holder.actor, grant.reveal)
            assert seen == (grant.state(now), grant.releases)

    def refused(
        self,
        action: str,
        answer: TestResponse,
        refusals: AbstractSet[int],
        who: Standing,
        now: datetime,
        perhaps: AbstractSet[int] = frozenset(),
    ) -> bool:
        """Was it refused, as it had to be or (`perhaps`) may be? Who is nobody leaves no event."""
        if answer.status_code == 401:
            assert who.may_be_nobody()
            return True
        assert not who.is_nobody(now)
        if not refusals and answer.status_code not in perhaps:
            return False
        assert answer.status_code in refusals | perhaps, (answer.status_code, refusals)
        assert answer.mimetype == "application/problem+json"
        assert not list(canaries.leaks(answer.data))
        self.told[action, "deny"] += 1
        return True

    def teardown(self) -> None:
        if not self.grants:
            return
        now = self.now
        for grant in self.grants:
            assert state(self.town.carrier, grant.reveal) == (grant.state(now), grant.releases)
        logged = Counter((e["action"], e["outcome"]) for e in events(self.world, waybill=self.parcel))
        assert logged == self.told
