"""Numbers given, moved and closed by the product's own functions, and a model of what was promised of them."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import dict_row

from tests.functional.relay.conftest import AFTER_SALES, COOLDOWN, ON_THE_WAY, PERIODS
from tests.pool import no_numbers
from tests.world import World, unique
from vault_gateway.access import Access, load_policies
from vault_gateway.audit.ledger import Unit
from vault_gateway.database import Connection
from vault_gateway.model import Caller, Principal, Role, Tenant
from vault_gateway.relay.service import LONGEST, Parcel, RelayService
from vault_gateway.relay.store import pool
from vault_gateway.relay.store.bindings import Binding, Phone
from vault_gateway.settings.policies import default_policies

TENANT = Tenant("allocation", unique("m"))
# In the future: housekeepers of gateways in this run sweep what has rested by the real time.
START = datetime(2100, 1, 1, tzinfo=UTC)
Key = tuple[str, bytes]

_CALLER = Caller(Principal("key:t", Role.OPERATOR), "r", None)
_ACCESS = Access(load_policies(default_policies() / "access"))


def add_pool(conn: Connection, count: int, capacity: int, *, digits: int = 4, mode: str = "extension") -> str:
    """Numbers of a region of their own."""
    region = unique("region")
    numbers = [f"+86170{secrets.randbelow(10**8):08d}" for _ in range(count)]
    pool.add_numbers(
        conn, numbers, telecom="key:t", mode=mode, region=region, digits=digits, capacity=capacity, now=START
    )
    return region


@contextmanager
def alone(world: World, mode: str) -> Iterator[Connection]:
    """The pool has no other numbers of this mode meanwhile, and nothing of these tests afterwards: a parcel of another
    test would get one, and its telecom does not own it."""
    with no_numbers(world, mode), world.admin() as conn:
        yield conn
        conn.execute("update relay_number set retired_at = now() where telecom = 'key:t'")
        for table in ("relay_binding", "relay_exhausted", "relay_slot"):
            conn.execute(f"delete from {table} where tenant_id = %s", (TENANT.id,))


def connect(world: World) -> Connection:
    return psycopg.connect(
        world.instance.endpoints.admin_dsn,
        autocommit=True,
        row_factory=dict_row,
        options="-c synchronous_commit=off",
    )


def ends(conn: Connection, region: str) -> dict[Key, tuple[UUID, datetime]]:
    """Who has what is dialled, and until when it rests."""
    rows = conn.execute(
        "select s.number, s.dialled, s.binding_id, s.cool_until from relay_slot s join relay_number n using (number)"
        " where n.region = %s",
        (region,),
    )
    return {(row["number"], row["dialled"]): (row["binding_id"], row["cool_until"]) for row in rows}


def occupied(conn: Connection, region: str) -> tuple[int, int]:
    """What the counters say, and the fullest number's share of its capacity in percent."""
    row = conn.execute(
        "select sum(occupied)::int as n, max(100 * occupied / capacity)::int as fullest"
        " from relay_number where region = %s",
        (region,),
    ).fetchone()
    assert row is not None
    return row["n"], row["fullest"]


@dataclass
class Held:
    """A binding as its parcel's owner knows it."""

    parcel: Parcel
    id: UUID
    keys: tuple[Key, ...]
    created: datetime
    expires: datetime
    released: bool = False

    def is_own(self, now: datetime) -> bool:
        return now < self.expires + COOLDOWN

    def may_live(self, now: datetime) -> bool:
        """A pair, which has two keys, has lived when its time has run out; an extension may live again."""
        return not self.released and (now < self.expires or (len(self.keys) == 1 and self.is_own(now)))


@dataclass
class Model:
    """What must be true of what is dialled, written from the promise and not from the SQL."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    until: dict[Key, tuple[UUID, datetime]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def given(self, held: Held, now: datetime) -> None:
        with self.lock:
            for key in held.keys:
                if key in self.until and self.until[key][1] > now:
                    self.faults.append(f"{key} was taken while another had it or it rested")
                self.until[key] = (held.id, held.expires + COOLDOWN)

    def ends(self, held: Held, expires: datetime) -> None:
        held.expires = expires
        with self.lock:
            for key in held.keys:
                if self.until[key][0] != held.id:
                    self.faults.append(f"{key} was moved by one who had lost it")
                self.until[key] = (held.id, expires + COOLDOWN)

    def taken(self, now: datetime) -> dict[Key, tuple[UUID, datetime]]:
        return {key: had for key, had in self.until.items() if had[1] > now}

    def compare(self, stored: dict[Key, tuple[UUID, datetime]], now: datetime) -> None:
        """What rests no more may be there still, until it is swept."""
        there = {key: had for key, had in stored.items() if had[1] > now}
        wrong = there.items() ^ self.taken(now).items()
        self.faults += [f"{key} is not as promised" for key, _ in wrong]


class Hand:
    """One who gives, moves and closes numbers over a connection, telling the model. Time stands still but when it is
    moved."""

    def __init__(self, conn: Connection, model: Model, now: datetime) -> None:
        self.conn = conn
        self.model = model
        self.now = now
        self.relay = RelayService(self.clock, lambda: PERIODS)
        self.unit = Unit(conn, _CALLER, self.clock, _ACCESS)

    def clock(self) -> datetime:
        return self.now

    def bind(self, region: str, count: int, expires_at: datetime | None) -> list[Held]:
        """Numbers for so many parcels at once; for as many as there are places."""
        parcels = [Parcel(TENANT, uuid4(), "W", uuid4(), (region,)) for _ in range(count)]
        with self.conn.transaction():
            made = self.relay.bind_extensions(self.unit, parcels, expires_at)
        return [
            self.given(parcel, binding, ((binding.number, (binding.extension or "").encode()),))
            for parcel, binding in zip(parcels, made, strict=True)
            if isinstance(binding, Binding)
        ]

    def given(self, parcel: Parcel, binding: Binding, keys: Sequence[Key]) -> Held:
        held = Held(parcel, binding.id, tuple(keys), binding.created_at, binding.expires_at)
        self.model.given(held, self.now)
        return held

    def release(self, held: Held) -> None:
        with self.conn.transaction():
            self.relay.release(self.unit, TENANT, held.parcel.waybill_id)
        self.closed(held)

    def erase(self, held: Held) -> None:
        """The recipient's phone is erased: its number is closed even where its time has run out."""
        with self.conn.transaction():
            self.relay.release_of_phone(self.unit, Phone(TENANT.id, held.parcel.phone))
        self.closed(held)
        held.released = True

    def closed(self, held: Held) -> None:
        if self.now < held.expires:
            held.released = True
            self.model.ends(held, self.now)

    def extend(self, held: Held) -> None:
        """Something is heard of the parcel."""
        with self.conn.transaction():
            self.relay.extend(self.unit, TENANT, held.parcel.waybill_id, None)
        end = min(self.now + ON_THE_WAY, held.created + LONGEST)
        if held.may_live(self.now) and end > max(held.expires, self.now):
            self.model.ends(held, end)

    def settle(self, held: Held) -> None:
        """The parcel is delivered."""
        with self.conn.transaction():
            self.relay.settle(self.unit, TENANT, held.parcel.waybill_id, arrived=True)
        end = min(self.now + AFTER_SALES, held.created + LONGEST)
        if held.may_live(self.now) and end > self.now:
            self.model.ends(held, end)

    def sweep(self, at_most: int = 5000) -> int:
        with self.conn.transaction():
            return pool.sweep(self.conn, self.now, at_most=at_most)
