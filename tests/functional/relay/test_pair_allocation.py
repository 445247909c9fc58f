"""Pairs under load, against the same model: who dials X is known there for one parcel, or for none."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from tests import canaries
from tests.functional.relay.allocating import (
    START,
    TENANT,
    Hand,
    Held,
    Key,
    Model,
    add_pool,
    alone,
    connect,
    ends,
    occupied,
)
from tests.functional.relay.conftest import PERIODS
from tests.world import World
from vault_gateway.database import Connection
from vault_gateway.keys import RelayKeys, Vault
from vault_gateway.relay.pairs import PairService, Party
from vault_gateway.relay.service import Parcel
from vault_gateway.relay.store.bindings import Binding, Phone

NUMBERS, PLACES, PEOPLE = 10, 15, 40
_DEEDS = {"bind": 60, "release": 12, "close": 8, "settle": 10, "extend": 8, "sweep": 2}


@pytest.fixture
def admin(world: World) -> Iterator[Connection]:
    with alone(world, "axb") as conn:
        yield conn


@pytest.fixture(scope="module")
def keys(world: World) -> Iterator[RelayKeys]:
    with Vault(world.settings.vault_addr, operations=2) as vault:
        yield RelayKeys(vault, world.settings.identities["relay"])


@dataclass
class Ground:
    """A small pool, and few people, each of whom is at an end of many pairs at once."""

    model: Model
    people: list[Party]
    region: str
    # Of a person on a number, as Vault knows the caller again.
    digests: Mapping[tuple[str, bytes], bytes]
    # The phone behind what is dialled, for each binding.
    reaches: dict[tuple[UUID, Key], UUID] = field(default_factory=dict)


@pytest.fixture
def ground(admin: Connection, keys: RelayKeys) -> Ground:
    region = add_pool(admin, NUMBERS, PLACES, digits=0, mode="axb")
    rows = admin.execute("select number from relay_number where region = %s order by number", (region,))
    numbers = [row["number"] for row in rows]
    people = [Party(Phone(TENANT.id, uuid4()), f"+86{canaries.phone()}".encode()) for _ in range(PEOPLE)]
    callers = [(number, one.plain) for number in numbers for one in people]
    digests = dict(zip(callers, keys.caller_digests(callers), strict=True))
    return Ground(Model(), people, region, digests)


class Thread:
    def __init__(self, world: World, ground: Ground, keys: RelayKeys, number: int) -> None:
        self.hand = Hand(connect(world), ground.model, START)
        self.pairs = PairService(keys, self.hand.relay, self.hand.clock, lambda: PERIODS)
        self.ground = ground
        self.chance = random.Random(number)
        self.mine: list[Held] = []
        self.counts: Counter[str] = Counter()

    def work(self, operations: int, now: datetime) -> None:
        self.hand.now = now
        for _ in range(operations):
            [deed] = self.chance.choices(list(_DEEDS), list(_DEEDS.values()))
            if deed == "sweep":
                self.counts[deed] += self.hand.sweep(20)
                continue
            if deed == "bind" or not self.mine:
                self.bind()
                continue
            held = self.chance.choice(self.mine)
            before = held.expires
            (self.close if deed == "close" else getattr(self.hand, deed))(held)
            self.counts[deed] += held.expires != before
            if held.released or now >= held.expires:
                self.mine.remove(held)

    def bind(self) -> None:
        a, b = self.chance.sample(self.ground.people, 2)
        parcel = Parcel(TENANT, uuid4(), "W", b.phone.token)
        until = self.hand.now + timedelta(days=self.chance.choice([1, 10, 30]))
        with self.hand.conn.transaction():
            numbers = self.pairs.candidates(self.hand.unit)
        known = self.ground.digests
        two = {
            number: ((known[number, a.plain], b.phone), (known[number, b.plain], a.phone))
            for number in numbers
        }
        with self.hand.conn.transaction():
            bound = self.pairs.bind(self.hand.unit, parcel, two, until)
        if not isinstance(bound, Binding):
            self.counts["exhausted"] += 1
            return
        keys = [(bound.number, known[bound.number, one.plain]) for one in (a, b)]
        for key, other in zip(keys, (b, a), strict=True):
            self.ground.reaches[bound.id, key] = other.phone.token
        self.mine.append(self.hand.given(parcel, bound, keys))
        self.counts["bind"] += 1

    def close(self, held: Held) -> None:
        """By its own side, as when another courier takes over."""
        with self.hand.conn.transaction():
            recipient = Phone(TENANT.id, held.parcel.phone)
            waybill_id = held.parcel.waybill_id
            self.hand.relay.release_pairs_of(self.hand.unit, TENANT, waybill_id, TENANT.id, recipient)
        self.hand.closed(held)


def stored_ends(conn: Connection) -> list[tuple[UUID, Key, UUID]]:
    rows = conn.execute(
        "select binding_id, number, dialled, phone_token from relay_slot where tenant_id = %s", (TENANT.id,)
    )
    return [(row["binding_id"], (row["number"], row["dialled"]), row["phone_token"]) for row in rows]


def test_nobody_is_known_twice_on_a_number_however_many_pairs_come_and_go(
    world: World, admin: Connection, ground: Ground, keys: RelayKeys
) -> None:
    operations, threads, steps = 8000, 8, 25
    hands, now = [Thread(world, ground, keys, number) for number in range(threads)], START
    for _ in range(steps):
        with ThreadPoolExecutor(threads) as executor:
            list(
                executor.map(Thread.work, hands, [operations // threads // steps] * threads, [now] * threads)
            )
        ground.model.compare(ends(admin, ground.region), now)
        assert not ground.model.faults, ground.model.faults[:3]
        there = stored_ends(admin)
        for binding_id, key, reaches in there:
            assert ground.reaches[binding_id, key] == reaches, "each end leads to the other"
        assert set(Counter(binding_id for binding_id, _, _ in there).values()) == {2}
        taken, fullest = occupied(admin, ground.region)
        assert (2 * taken, fullest <= 100) == (len(there), True)
        now += timedelta(days=12)
    for hand in hands:
        hand.hand.conn.close()
    counts = sum((hand.counts for hand in hands), Counter[str]())
    assert min(counts[what] for what in (*_DEEDS, "exhausted")) > 0, counts
    last = Hand(admin, ground.model, now + timedelta(days=100))
    while last.sweep():
        pass
    assert occupied(admin, ground.region)[0] == 0
