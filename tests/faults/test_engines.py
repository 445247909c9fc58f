"""An engine that is away, stands still or comes back: a clear 503 in bounded time, nothing half-written, and no
restart of the gateway."""

from __future__ import annotations

import json
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
import urllib3

from tests import canaries
from tests.functional.embedded.installation import run
from tests.functional.serve.conftest import Outside, engines_of_ones_own
from tests.functional.serve.served import Served, serving
from tests.world import unique

# An operation with Vault or the database may take this long to be given up, whatever hangs.
BOUND_S = 15.0


@dataclass
class Shop:
    """A merchant at a served gateway."""

    engines: Outside
    served: Served
    key: str

    def post(self, path: str, body: Any, **headers: str) -> urllib3.BaseHTTPResponse:
        sent = {"Authorization": f"Bearer {self.key}", "Connection": "close", **headers}
        return urllib3.request(
            "POST", self.served.url + path, json=body, headers=sent, retries=False, timeout=40
        )

    def tokenise(self, **headers: str) -> urllib3.BaseHTTPResponse:
        return self.post("/v1/tokens", {"items": canaries.items_of(canaries.person())}, **headers)

    def readiness(self) -> tuple[int, dict[str, str]]:
        answer = urllib3.request(
            "GET", f"{self.served.url}/readyz", headers={"Connection": "close"}, timeout=40
        )
        return answer.status, answer.json()["checks"]

    def rows(self) -> tuple[int, ...]:
        counts = ", ".join(
            f"(select count(*) from {table})" for table in ("token", "idempotency", "audit_event")
        )
        with psycopg.connect(self.engines.admin_dsn) as conn:
            row = conn.execute(f"select {counts}").fetchone()
        assert row is not None
        return tuple(row)

    def wait_until_well(self) -> float:
        begun = time.monotonic()
        while self.tokenise().status != 201:
            assert time.monotonic() - begun < BOUND_S + 5
            time.sleep(0.2)
        return time.monotonic() - begun


@pytest.fixture(scope="module")
def engines() -> Iterator[Outside]:
    with engines_of_ones_own() as engines:
        yield engines


@pytest.fixture(scope="module")
def key(engines: Outside) -> str:
    named = ["--role", "merchant", "--platform", "douyin", "--merchant", "tea"]
    return run("client", "add", "shop", *named, env=engines.operator)[0].strip()


@pytest.fixture(scope="module")
def shop(engines: Outside, key: str) -> Iterator[Shop]:
    with serving(engines, VAULT_GATEWAY_THREADS="4") as served:
        yield Shop(engines, served, key)


def seal(engines: Outside) -> None:
    token = json.loads((engines.folder / "operator" / "openbao.json").read_text())["root_token"]
    with urllib3.PoolManager(ca_certs=engines.environment["VAULT_GATEWAY_VAULT_CA"]) as pool:
        sealed = pool.request("PUT", f"{engines.bao.address}/v1/sys/seal", headers={"X-Vault-Token": token})
        assert sealed.status == 204


def restart(server: str) -> Callable[[Outside], None]:
    def again(engines: Outside) -> None:
        getattr(engines, server).signal(signal.SIGKILL)
        getattr(engines, server).start_again()

    return again


def let(server: str, number: signal.Signals) -> Callable[[Outside], None]:
    return lambda engines: getattr(engines, server).signal(number)


def allow_connections(number: int) -> Callable[[Outside], None]:
    def allow(engines: Outside) -> None:
        with psycopg.connect(engines.admin_dsn, autocommit=True) as conn:
            conn.execute(f"alter role gateway connection limit {number}")
            conn.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'gateway'")

    return allow


Act = Callable[[Outside], None]
FAULTS: dict[str, tuple[str, str, Act, Act]] = {
    "sealed": ("vault", "sealed", seal, restart("bao")),
    "vault-stands-still": ("vault", "gone", let("bao", signal.SIGSTOP), let("bao", signal.SIGCONT)),
    "vault-killed": ("vault", "gone", let("bao", signal.SIGKILL), restart("bao")),
    "database-stands-still": (
        "database", "gone", let("postgres", signal.SIGSTOP), let("postgres", signal.SIGCONT),
    ),
    "database-killed": ("database", "gone", let("postgres", signal.SIGKILL), restart("postgres")),
    "no-connections": ("database", "gone", allow_connections(0), allow_connections(-1)),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_a_503_in_time_and_passes_without_a_restart(
    shop: Shop, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    engine, state, inject, heal = FAULTS[name]
    assert shop.tokenise().status == 201
    before = shop.rows()
    inject(shop.engines)
    try:
        begun = time.monotonic()
        answer = shop.tokenise(**{"Idempotency-Key": unique(name)})
        took = time.monotonic() - begun
        assert answer.status == 503, answer.data
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["code"] == f"{engine}_unavailable"
        assert int(answer.headers["Retry-After"]) >= 1
        assert took < BOUND_S
        begun = time.monotonic()
        status, checks = shop.readiness()
        assert (status, checks[engine]) == (503, state)
        assert time.monotonic() - begun < BOUND_S
    finally:
        heal(shop.engines)
    healed = shop.wait_until_well()
    with capsys.disabled():
        print(f"\n  {name}: 503 after {took:.1f} s, well {healed:.1f} s after it was over")
    assert shop.readiness()[0] == 200
    # What was refused left nothing; the one that went well left its three tokens and its event.
    tokens, kept, events = (after - then for after, then in zip(shop.rows(), before, strict=True))
    assert (tokens, kept) == (3, 0)
    assert events >= 1


def test_what_was_acknowledged_survives_the_kill_of_any_process(engines: Outside, key: str) -> None:
    """Four writers with idempotency keys, while each process in turn is killed. In the end every 201 holds, and
    every request that was repeated until it went well was carried out once."""
    acknowledged: list[str] = []
    keys = unique("writer")
    ended, given_up = threading.Event(), threading.Event()
    heard: dict[int, str] = {}

    def write(shop: Shop, number: int) -> None:
        count = 0
        while not ended.is_set():
            count += 1
            body = {"items": canaries.items_of(canaries.person())}
            while not given_up.is_set():
                try:
                    answer = shop.post("/v1/tokens", body, **{"Idempotency-Key": f"{keys}-{number}-{count}"})
                except urllib3.exceptions.HTTPError as error:
                    heard[number] = type(error).__name__
                    time.sleep(0.2)
                    continue
                heard[number] = f"{answer.status} {answer.json().get('code', '')}"
                if answer.status == 201:
                    acknowledged.extend(item["token"] for item in answer.json()["items"])
                    break
                # Away, or the first try still under way.
                assert answer.status in (503, 409), answer.data
                time.sleep(0.2)

    with serving(engines, VAULT_GATEWAY_THREADS="8") as served:
        shop = Shop(engines, served, key)
        before = shop.rows()[0]
        writers = [threading.Thread(target=write, args=(shop, number)) for number in range(4)]
        for writer in writers:
            writer.start()
        try:
            for server in random.sample([engines.postgres, engines.bao, engines.postgres], 3):
                time.sleep(random.uniform(0.5, 1.5))
                server.signal(signal.SIGKILL)
                server.start_again()
            shop.wait_until_well()
            before += 3
            served.process.kill()
            served.start_again()
            time.sleep(1)
        finally:
            ended.set()
            for writer in writers:
                writer.join(15)
            given_up.set()
        assert not any(writer.is_alive() for writer in writers)
        assert len(acknowledged) >= 12
        assert len(set(acknowledged)) == len(acknowledged)
        for start in range(0, len(acknowledged), 300):
            found = shop.post("/v1/tokens/lookup", {"tokens": acknowledged[start : start + 300]}).json()[
                "items"
            ]
            assert not [item for item in found if "error" in item]
        assert shop.rows()[0] - before == len(acknowledged)
