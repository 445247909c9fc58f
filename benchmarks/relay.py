"""How long a call waits to be connected: POST /v1/relay/route over HTTP, beside the floor, at two sizes of the pool;
and how fast parcels get numbers while the pool is nearly full.

    python -m benchmarks.relay [--bindings 10000 --bindings 1000000] [--rounds 5] [--clients 4] [--workers 1]

The floor is what a call cannot leave out: one indexed read of the ciphertext, one audit row with its commit, one
decrypt. `first` is a parcel's first call, which also notes whom a call back shall reach; `again` is any later one.
One worker of the gateway, for it lets a call wait the shortest: it counts tries in its memory.
"""

from __future__ import annotations

import os
import random
import sys
import threading
from collections.abc import Callable
from secrets import token_hex
from statistics import median
from uuid import uuid4

import click
import orjson
import psycopg

from benchmarks.bindings import CARRIER, PLATFORM, SHOP, Line, Seed
from benchmarks.stage import Caller, Result, Stage, line, loop, machine, ratio, ratios, stage, verdict
from vault_gateway.keys import RelayKeys, Vault

AIM_P99_MS = 10.0
# More than are called in the time: a first call is one only once.
ROUTED = 20_000
FULL = 99.0
PARCELS = 8_000
FLOOR_TABLE = "create table floor_audit (id uuid primary key, body jsonb, salt bytea, commitment bytea)"
FLOOR_READ = """
select t.ciphertext from relay_slot s join token t on t.tenant_id = s.phone_tenant and t.id = s.phone_token
where s.number = %s and s.dialled = %s
"""


@click.command()
@click.option("--bindings", "sizes", type=int, multiple=True, default=(10_000, 1_000_000), show_default=True)
@click.option("--rounds", default=5, show_default=True)
@click.option("--seconds", default=3.0, show_default=True)
@click.option("--clients", "threads", default=4, show_default=True)
@click.option("--workers", default=1, show_default=True)
def main(sizes: tuple[int, ...], rounds: int, seconds: float, threads: int, workers: int) -> None:
    """Routing beside its floor, and allocation from a pool that is nearly full."""
    print(f"relay: {threads} clients, {workers} workers of the gateway, {machine()}", flush=True)
    with stage(workers) as here:
        voice = here.client("bench-voice", "telecom")
        shop = here.client("bench-shop", "merchant", platform=PLATFORM, merchant=SHOP.merchant)
        here.client("bench-express", "carrier", carrier=CARRIER)
        with psycopg.connect(here.instance.endpoints.admin_dsn, autocommit=True) as conn:
            conn.execute(FLOOR_TABLE)
        seed, good = Seed(here, "key:bench-voice"), True
        for size in sorted(sizes):
            seed.grow(size, unbound=PARCELS)
            met = routing(here, seed.lines(min(size, ROUTED)), voice, size, rounds, seconds, threads)
            good = met and good
        # As long as there are parcels without a number.
        allocation(seed, shop, min(rounds, 3), min(seconds, 2.0), threads)
    sys.exit(0 if good else 1)


def routing(
    here: Stage, lines: list[Line], voice: Caller, size: int, rounds: int, seconds: float, threads: int
) -> bool:
    calls = Calls(lines, voice)
    steps: dict[str, tuple[Callable[[int], int], int]] = {
        "floor, 1 client": (floor(here, lines), 1),
        "gateway: first call, 1 client": (calls.first, 1),
        "gateway: called again, 1 client": (calls.again, 1),
        f"floor, {threads} clients": (floor(here, lines), threads),
        f"gateway: first call, {threads} clients": (calls.first, threads),
        f"gateway: called again, {threads} clients": (calls.again, threads),
    }
    results: dict[str, list[Result]] = {name: [] for name in steps}
    loop(calls.first, threads=threads, seconds=1)
    for _ in range(rounds):
        for name, (step, count) in steps.items():
            # The first call after the pause in which others were measured is no usual one.
            loop(step, threads=count, seconds=0.2)
            results[name].append(loop(step, threads=count, seconds=seconds))
    print(f"  {size:,} live bindings", flush=True)
    for name, measured in results.items():
        line(name, measured, "calls/s")
    raw, first, again, raw_many, _, again_many = results.values()
    ratio("gateway / floor, called again, 1 client", ratios(again, raw))
    ratio(f"gateway / floor, called again, {threads} clients", ratios(again_many, raw_many))
    good = True
    for name, measured in (("first call", first), ("called again", again)):
        p99 = median(result.percentile(99) for result in measured)
        good &= verdict(f"p99 of a {name}, 1 client (ms)", p99, AIM_P99_MS, at_least=False)
    return good


class Calls:
    """Calls from anybody who has a label: each caller once, as no caller's limits are to be met."""

    def __init__(self, lines: list[Line], voice: Caller) -> None:
        self._voice = voice
        self._fresh = list(lines)
        self._called: list[Line] = []
        self._lock = threading.Lock()

    def first(self, _number: int) -> int:
        with self._lock:
            if not self._fresh:
                return 0
            called = self._fresh.pop()
        self._call(called)
        with self._lock:
            self._called.append(called)
        return 1

    def again(self, _number: int) -> int:
        with self._lock:
            called = random.choice(self._called)
        self._call(called)
        return 1

    def _call(self, called: Line) -> None:
        body = {
            "call_id": token_hex(12),
            "medium": "voice",
            "caller": f"+86137{random.randrange(10**8):08d}",
            "called": called.number,
            "extension": called.extension,
        }
        answer = orjson.loads(self._voice.post("/v1/relay/route", orjson.dumps(body)))
        if answer.get("destination") != called.phone:
            raise RuntimeError(f"a call was answered {answer['action']}, {answer.get('reason')}")


def floor(here: Stage, lines: list[Line]) -> Callable[[int], int]:
    settings = here.instance.settings()
    keys = RelayKeys(Vault(settings.vault_addr, operations=16), settings.identities["relay"])
    local = threading.local()

    def step(_number: int) -> int:
        if not hasattr(local, "conn"):
            local.conn = psycopg.connect(here.instance.endpoints.admin_dsn, autocommit=True)
        called = random.choice(lines)
        local.conn.execute(FLOOR_READ, (called.number, called.extension.encode())).fetchone()
        local.conn.execute(
            "insert into floor_audit values (%s, jsonb_build_object('call', %s::text), %s, %s)",
            (uuid4(), called.number, os.urandom(16), os.urandom(32)),
        )
        keys.decrypt(PLATFORM, [(called.address, called.ciphertext)])
        return 1

    return step


def allocation(seed: Seed, shop: Caller, rounds: int, seconds: float, threads: int) -> None:
    """A number for a parcel that has none, POST /v1/relay/bindings."""
    parcels = seed.unbound()
    lock = threading.Lock()

    def step(_number: int) -> int:
        with lock:
            if not parcels:
                return 0
            waybill_no = parcels.pop()
        shop.post("/v1/relay/bindings", orjson.dumps({"waybill_no": waybill_no}))
        return 1

    measured: dict[float, list[Result]] = {}
    for percent in (FULL, 50.0):
        full = seed.fill(percent, at_least=len(parcels))
        loop(step, threads=threads, seconds=0.5)
        measured[full] = [loop(step, threads=threads, seconds=seconds) for _ in range(rounds)]
    for full, results in measured.items():
        line(f"allocation, pool {full:.1f} % full", results, "bindings/s")
    nearly, half = measured.values()
    ratio("nearly full / half full", ratios(nearly, half))


if __name__ == "__main__":
    main()
