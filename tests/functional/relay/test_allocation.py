"""Numbers and extensions under load, against a model: never two live owners, never inside the rest, none leaked."""

from __future__ import annotations

import random
import secrets
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from psycopg.rows import dict_row

from tests.functional.relay.conftest import COOLDOWN
from tests.world import World, unique
from vault_gateway.database import Connection
from vault_gateway.relay.store import bindings, pool
from vault_gateway.relay.store.bindings import Binding, Phone

TENANT = uuid4()
# In the future: housekeepers of gateways in this run sweep what has rested by the real time.
START = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
def admin(world: World) -> Iterator[Connection]:
    with world.admin() as conn:
        yield conn
        # Else a parcel of another test gets one, and its telecom does not own it.
        conn.execute("update relay_number set retired_at = now() where telecom = 'key:t'")


def add_pool(conn: Connection, count: int, capacity: int, *, digits: int = 4, mode: str = "extension") -> str:
    """Numbers of a region of their own, so that no other test takes from them."""
    region = unique("region")
    numbers = [f"+86170{secrets.randbelow(10**8):08d}" for _ in range(count)]
    pool.add_numbers(
        conn, numbers, telecom="key:t", mode=mode, region=region, digits=digits, capacity=capacity, now=START
    )
    return region


def bind(conn: Connection, region: str, now: datetime, lives: timedelta) -> Binding | None:
    with conn.transaction():
        place = pool.take_places(conn, "extension", {region: 1})[region]
        if not place:
            return None
        binding = Binding(
            uuid4(),
            uuid4(),
            "W",
            "extension",
            place[0].number,
            None,
            now,
            now + lives,
            now + lives + COOLDOWN,
        )
        [entered] = bindings.insert_extensions(
            conn, TENANT, [(binding, place[0].digits, Phone(TENANT, uuid4()))]
        )
    return entered


def ends(conn: Connection, region: str) -> list[tuple[str, bytes, UUID]]:
    rows = conn.execute(
        "select s.number, s.dialled, s.binding_id from relay_slot s join relay_number n using (number)"
        " where n.region = %s",
        (region,),
    )
    return [(row["number"], row["dialled"], row["binding_id"]) for row in rows]


def occupied(conn: Connection, region: str) -> tuple[int, int, int]:
    """What the counters say, the fullest number's share of its capacity in percent, and the capacity."""
    row = conn.execute(
        "select sum(occupied)::int as n, max(100 * occupied / capacity)::int as fullest, sum(capacity)::int as c"
        " from relay_number where region = %s",
        (region,),
    ).fetchone()
    assert row is not None
    return row["n"], row["fullest"], row["c"]


@dataclass
class Model:
    """What must be true of a number and an extension, written from the promise and not from the SQL."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    until: dict[tuple[str, str], datetime] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def bound(self, binding: Binding, now: datetime) -> None:
        assert binding.extension is not None
        key = (binding.number, binding.extension)
        with self.lock:
            if self.until.get(key, now) > now:
                self.faults.append(f"{key} was taken while another had it or it rested")
            self.until[key] = binding.cool_until

    def released(self, binding: Binding, now: datetime) -> None:
        assert binding.extension is not None
        with self.lock:
            self.until[(binding.number, binding.extension)] = now + COOLDOWN


def test_a_hundred_thousand_operations_on_eight_threads_never_share_an_end(
    world: World, admin: Connection
) -> None:
    """Time runs in steps that all threads share: within a step it stands still."""
    operations, threads, steps = 100_000, 8, 20
    region = add_pool(admin, 8, 1000)
    model, now = Model(), START
    held: list[list[Binding]] = [[] for _ in range(threads)]
    counts: Counter[str] = Counter()

    def work(thread: int, at: datetime) -> None:
        chance = random.Random(thread * 1000 + at.toordinal())
        mine = held[thread]
        with psycopg.connect(
            world.instance.endpoints.admin_dsn,
            autocommit=True,
            row_factory=dict_row,
            options="-c synchronous_commit=off",
        ) as conn:
            for _ in range(operations // threads // steps):
                dice = chance.random()
                if dice < 0.6 or not mine:
                    binding = bind(conn, region, at, timedelta(days=chance.choice([1, 15, 40])))
                    if binding is None:
                        counts["exhausted"] += 1
                        continue
                    model.bound(binding, at)
                    mine.append(binding)
                    counts["bound"] += 1
                elif dice < 0.98:
                    binding = mine.pop(chance.randrange(len(mine)))
                    if at >= binding.expires_at:
                        counts["expired"] += 1
                        continue
                    conn.execute(
                        "update relay_slot set expires_at = %s, cool_until = %s, released = true"
                        " where binding_id = %s",
                        (at, at + COOLDOWN, binding.id),
                    )
                    model.released(binding, at)
                    counts["released"] += 1
                else:
                    with conn.transaction():
                        counts["swept"] += pool.sweep(conn, at, at_most=500)

    for _ in range(steps):
        with ThreadPoolExecutor(threads) as executor:
            list(executor.map(work, range(threads), [now] * threads))
        now += timedelta(days=9)

    assert not model.faults, model.faults[:3]
    assert counts["bound"] > operations / 3
    assert min(counts["exhausted"], counts["released"], counts["swept"]) > 0, counts
    taken, fullest, _ = occupied(admin, region)
    assert fullest <= 100
    assert taken == len(ends(admin, region)), "the counters know of every end, and of no other"
    later = now + timedelta(days=100)
    with admin.transaction():
        while pool.sweep(admin, later):
            pass
    assert occupied(admin, region)[0] == 0
    assert not ends(admin, region)


class PoolMachine(RuleBasedStateMachine):
    """The same promise step by step, with shrinking, on a pool so small that everything happens."""

    world: World

    @initialize()
    def fill(self) -> None:
        self.conn = psycopg.connect(
            self.world.instance.endpoints.admin_dsn, autocommit=True, row_factory=dict_row
        )
        self.region = add_pool(self.conn, 2, 3)
        self.model, self.now, self.held = Model(), START, list[Binding]()

    def teardown(self) -> None:
        if hasattr(self, "conn"):
            self.conn.close()

    @rule(days=st.integers(1, 60))
    def bind(self, days: int) -> None:
        free = 6 - len(ends(self.conn, self.region))
        binding = bind(self.conn, self.region, self.now, timedelta(days=days))
        assert (binding is None) == (free == 0)
        if binding is not None:
            self.model.bound(binding, self.now)
            self.held.append(binding)

    @precondition(lambda self: bool(getattr(self, "held", None)))
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        binding = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
        if self.now < binding.expires_at:
            self.conn.execute(
                "update relay_slot set expires_at = %s, cool_until = %s, released = true where binding_id = %s",
                (self.now, self.now + COOLDOWN, binding.id),
            )
            self.model.released(binding, self.now)

    @rule(days=st.integers(1, 45))
    def time_passes(self, days: int) -> None:
        self.now += timedelta(days=days)

    @rule()
    def sweep(self) -> None:
        with self.conn.transaction():
            pool.sweep(self.conn, self.now)
        left = {(number, dialled.decode()) for number, dialled, _ in ends(self.conn, self.region)}
        assert left == {key for key, until in self.model.until.items() if until > self.now}

    @invariant()
    def counters_are_true(self) -> None:
        if hasattr(self, "region"):
            assert occupied(self.conn, self.region)[0] == len(ends(self.conn, self.region))
            assert not self.model.faults


def test_a_small_pool_keeps_its_promise_step_by_step(world: World) -> None:
    PoolMachine.world = world
    machine = PoolMachine.TestCase
    machine.settings = hypothesis_settings(max_examples=12, stateful_step_count=40, deadline=None)
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
