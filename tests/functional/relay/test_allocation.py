"""Numbers and extensions under load, against a model: never two live owners, never inside the rest, none leaked."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.functional.relay.allocating import (
    START,
    Hand,
    Held,
    Model,
    add_pool,
    alone,
    connect,
    ends,
    occupied,
)
from tests.world import World
from vault_gateway.database import Connection
from vault_gateway.relay.store import pool


@pytest.fixture
def admin(world: World) -> Iterator[Connection]:
    with alone(world, "extension") as conn:
        yield conn


# How often each is done in a hundred times, and for how many parcels at once numbers are asked for.
_DEEDS = {"bind": 25, "release": 35, "erase": 5, "extend": 22, "settle": 10, "sweep": 3}
_AT_ONCE = (1, 1, 2, 3, 8)
_DAYS = (1, 15, 40, None)


class Thread:
    """One of eight, with numbers of its own parcels."""

    def __init__(self, world: World, region: str, model: Model, number: int) -> None:
        self.hand = Hand(connect(world), model, START)
        self.region = region
        self.chance = random.Random(number)
        self.mine: list[Held] = []
        self.counts: Counter[str] = Counter()

    def work(self, operations: int, now: datetime) -> None:
        self.hand.now = now
        done = 0
        while done < operations:
            [deed] = self.chance.choices(list(_DEEDS), list(_DEEDS.values()))
            if deed == "bind" or not self.mine:
                done += self.bind(self.chance.choice(_AT_ONCE))
                continue
            done += 1
            if deed == "sweep":
                self.counts["sweep"] += self.hand.sweep(500)
            else:
                self.move(deed, self.chance.randrange(len(self.mine)))

    def bind(self, count: int) -> int:
        days = self.chance.choice(_DAYS)
        until = None if days is None else self.hand.now + timedelta(days=days)
        made = self.hand.bind(self.region, count, until)
        self.mine += made
        self.counts["bind"] += len(made)
        self.counts["exhausted"] += count - len(made)
        return count

    def move(self, deed: str, which: int) -> None:
        held = self.mine[which]
        before = held.expires
        getattr(self.hand, deed)(held)
        self.counts[deed] += held.expires != before
        self.counts["revived"] += before <= self.hand.now < held.expires
        # Of those that are over some are kept: what is done to them must change nothing.
        over = held.released or not held.is_own(self.hand.now)
        if over and self.chance.random() < 0.9:
            self.mine[which] = self.mine[-1]
            self.mine.pop()


def test_a_hundred_thousand_operations_on_eight_threads_never_share_an_end(
    world: World, admin: Connection
) -> None:
    """Time runs in steps that all threads share: within a step it stands still."""
    operations, threads, steps = 100_000, 8, 20
    region = add_pool(admin, 8, 1500)
    model, now = Model(), START
    hands = [Thread(world, region, model, number) for number in range(threads)]
    for _ in range(steps):
        with ThreadPoolExecutor(threads) as executor:
            list(
                executor.map(Thread.work, hands, [operations // threads // steps] * threads, [now] * threads)
            )
        model.compare(ends(admin, region), now)
        now += timedelta(days=9)
    for hand in hands:
        hand.hand.conn.close()

    counts = sum((hand.counts for hand in hands), Counter[str]())
    assert not model.faults, model.faults[:3]
    assert counts["bind"] > operations / 5, counts
    assert min(counts[what] for what in (*_DEEDS, "exhausted", "revived")) > 0, counts
    taken, fullest = occupied(admin, region)
    assert fullest <= 100
    assert taken == len(ends(admin, region)), "the counters know of every end, and of no other"
    last = Hand(admin, model, now + timedelta(days=100))
    while last.sweep():
        pass
    assert occupied(admin, region)[0] == 0
    assert not ends(admin, region)


class PoolMachine(RuleBasedStateMachine):
    """The same promise step by step, with shrinking, on a pool so small that everything happens."""

    world: World

    @initialize()
    def fill(self) -> None:
        self.conn = connect(self.world)
        self.region = add_pool(self.conn, 2, 3)
        self.hand, self.held = Hand(self.conn, Model(), START), list[Held]()

    def teardown(self) -> None:
        if hasattr(self, "conn"):
            # The next one's parcels look everywhere when their region has none.
            self.conn.execute("update relay_number set retired_at = now() where region = %s", (self.region,))
            self.conn.close()

    @rule(count=st.integers(1, 3), days=st.none() | st.integers(1, 60))
    def bind(self, count: int, days: int | None) -> None:
        free = 6 - len(ends(self.conn, self.region))
        until = None if days is None else self.hand.now + timedelta(days=days)
        made = self.hand.bind(self.region, count, until)
        assert len(made) == min(count, free)
        self.held += made

    @precondition(lambda self: bool(getattr(self, "held", None)))
    @rule(data=st.data(), deed=st.sampled_from(["release", "erase", "extend", "settle"]))
    def move(self, data: st.DataObject, deed: str) -> None:
        # Of the last few, so that much happens to the same one.
        getattr(self.hand, deed)(self.held[-data.draw(st.integers(1, min(3, len(self.held))))])

    @rule(days=st.integers(1, 45))
    def time_passes(self, days: int) -> None:
        self.hand.now += timedelta(days=days)

    @rule()
    def sweep(self) -> None:
        self.hand.sweep()
        assert ends(self.conn, self.region) == self.hand.model.taken(self.hand.now)

    @invariant()
    def all_is_as_promised(self) -> None:
        if hasattr(self, "region"):
            stored = ends(self.conn, self.region)
            assert occupied(self.conn, self.region)[0] == len(stored)
            self.hand.model.compare(stored, self.hand.now)
            assert not self.hand.model.faults


@pytest.mark.usefixtures("admin")
def test_a_small_pool_keeps_its_promise_step_by_step(world: World) -> None:
    PoolMachine.world = world
    machine = PoolMachine.TestCase
    machine.settings = hypothesis_settings(max_examples=25, stateful_step_count=40, deadline=None)
    machine("runTest").runTest()


def test_a_batch_spreads_over_the_pool(admin: Connection) -> None:
    region = add_pool(admin, 10, 100)
    with admin.transaction():
        places = pool.take_places(admin, "extension", {region: 95})[region]
    spread = Counter(place.number for place in places)
    assert len(places) == 95
    assert len(spread) == 10
    assert max(spread.values()) <= 10
    with admin.transaction():
        assert len(pool.take_places(admin, "extension", {region: 2000})[region]) == 905
        assert pool.take_places(admin, "extension", {region: 1})[region] == []


def test_a_transaction_that_rolls_back_takes_nothing(admin: Connection) -> None:
    region = add_pool(admin, 1, 5)
    with admin.transaction(force_rollback=True):
        assert len(pool.take_places(admin, "extension", {region: 5})[region]) == 5
    assert occupied(admin, region)[0] == 0
