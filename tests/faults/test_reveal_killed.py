"""The serving process is killed at each step of a claim. What is stored afterwards tells the truth: never "certainly
not disclosed" where values may have gone out, and nothing was decrypted before its audit row was committed.

The process is a real one; it is stopped in its tracks by a proxy that holds one message to an engine.
"""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import psycopg
import pytest
import urllib3
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests import canaries
from tests.faults.holding_proxy import HoldingProxy, holding_proxy
from tests.faults.killing import kill
from tests.functional.reveals.steps import ack, claim, issued, outline, row, state, told
from tests.serving import start_server, wait_until_ready
from tests.world import Town, TurnedClock, World
from vault_gateway.settings.environment import to_environment

DECRYPT, COMMIT = b"/transit/decrypt/", b"COMMIT\x00"
TRIED = ("reveal.claim", "allow", None)
SENT = ("reveal.release", "allow", None)


@dataclass(frozen=True)
class Step:
    """Where the process is when it is killed: the n-th message to an engine, before it arrives or after it was
    answered; what is stored then, and how many decryptions Vault may have carried out."""

    engine: str
    nth: int
    answer: bool
    stored: tuple[str, int]
    events: list[Any]
    decrypted: int


STEPS = {
    "before transaction 1 commits": Step("postgres", 1, False, ("issued", 0), [], 0),
    "after transaction 1": Step("postgres", 1, True, ("claimed", 0), [TRIED], 0),
    "before Vault decrypts": Step("vault", 1, False, ("claimed", 0), [TRIED], 0),
    "after Vault decrypted a part": Step("vault", 2, False, ("claimed", 0), [TRIED], 1),
    "after Vault decrypted all": Step("vault", 2, True, ("claimed", 0), [TRIED], 2),
    "before transaction 2 commits": Step("postgres", 2, False, ("claimed", 0), [TRIED], 2),
    "after transaction 2": Step("postgres", 2, True, ("claimed", 1), [TRIED, SENT], 2),
}


@dataclass(frozen=True)
class Rig:
    url: str
    process: subprocess.Popen[bytes]
    vault: HoldingProxy
    postgres: HoldingProxy


@contextmanager
def rig(world: World) -> Iterator[Rig]:
    """A gateway as a process of its own, with a proxy in front of each engine."""
    vault_at = urlsplit(world.settings.vault_addr)
    wanted = conninfo_to_dict(world.settings.database_url)
    with (
        holding_proxy(
            lambda: socket.create_connection((vault_at.hostname or "", vault_at.port or 0)), DECRYPT
        ) as vault,
        holding_proxy(lambda: _to_postgres(wanted), COMMIT) as postgres,
        socket.create_server(("127.0.0.1", 0)) as free,
    ):
        port = free.getsockname()[1]
        free.close()
        database_url = make_conninfo(
            world.settings.database_url,
            host="127.0.0.1",
            port=postgres.port,
            sslmode="disable",
            gssencmode="disable",
        )
        settings = replace(
            world.settings,
            port=port,
            vault_addr=f"http://127.0.0.1:{vault.port}",
            database_url=database_url,
        )
        log = world.instance.engines.data / "logs" / f"killed-{port}.log"
        process = start_server(to_environment(settings), log)
        url = f"http://127.0.0.1:{port}"
        try:
            wait_until_ready(url, process, log)
            yield Rig(url, process, vault, postgres)
        finally:
            kill(process)


def _to_postgres(wanted: dict[str, Any]) -> socket.socket:
    host, port = str(wanted["host"]), int(wanted.get("port", 5432))
    if host.startswith("/"):
        there = socket.socket(socket.AF_UNIX)
        there.connect(str(Path(host) / f".s.PGSQL.{port}"))
        return there
    return socket.create_connection((host, port))


class Sent(threading.Thread):
    """A claim that is under way in a thread of its own; `answer` is what came back, if anything did."""

    def __init__(self, url: str, key: str, reveal: str) -> None:
        super().__init__(daemon=True)
        self._call = (f"{url}/v1/reveals/{reveal}/claim", key)
        self.answer: tuple[int, Any] | None = None

    def run(self) -> None:
        url, key = self._call
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        try:
            got = urllib3.request("POST", url, body=b"{}", headers=headers, timeout=30, retries=False)
            self.answer = got.status, orjson.loads(got.data)
        except urllib3.exceptions.HTTPError:
            pass


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS.keys())
def test_killed(world: World, town: Town, clock: TurnedClock, step: Step) -> None:
    someone = canaries.person()
    waybill_no = town.out_for_delivery(town.tokenize(someone))
    reveal = issued(town.courier, waybill_no)
    committed: list[int] = []
    with rig(world) as there:
        # The key of the caller is known and the identity logged in: from here on only the claim speaks to engines.
        warm = Sent(there.url, town.courier.key, issued(town.courier, town.out_for_delivery()))
        warm.start()
        warm.join(20)
        assert warm.answer is not None
        assert warm.answer[0] == 200
        there.vault.count()
        there.vault.on_request = lambda: committed.append(_attempts(world, waybill_no))
        held = there.vault if step.engine == "vault" else there.postgres
        held.hold(step.nth, answer=step.answer)

        sent = Sent(there.url, town.courier.key, reveal)
        sent.start()
        assert held.reached.wait(10)
        kill(there.process)
        sent.join(10)
    assert sent.answer is None
    assert there.vault.passed == step.decrypted
    # What the proxy in front of Vault saw, against the log as it was at that moment.
    assert committed == [1] * there.vault.seen

    _settled(world)
    found = row(world, reveal)
    assert (found["state"], found["released"]) == step.stored
    assert outline(world, waybill=waybill_no)[1:] == step.events
    assert state(town.courier, reveal) == step.stored
    if step.stored[1]:
        # It may have gone out, so it is told as such and counted, and is spent.
        assert told(claim(town.courier, reveal)) == (409, "reveal_spent")
        clock.advance(seconds=61)
        assert state(town.courier, reveal) == ("unconfirmed", 1)
    else:
        answer = claim(town.courier, reveal)
        assert answer.status_code == 200, answer.text
        assert answer.get_json()["fields"]["name"] == someone.name
        assert ack(town.courier, reveal, answer.get_json()["ack_code"]).status_code == 200


def test_killed_and_never_tried_again_it_is_expired_for_certain(
    world: World, town: Town, clock: TurnedClock
) -> None:
    reveal = issued(town.courier, town.out_for_delivery())
    with rig(world) as there:
        there.vault.hold(1, answer=True)
        sent = Sent(there.url, town.courier.key, reveal)
        sent.start()
        assert there.vault.reached.wait(10)
        kill(there.process)
        sent.join(10)
    assert sent.answer is None
    clock.advance(seconds=61)
    assert state(town.courier, reveal) == ("expired", 0)
    assert told(claim(town.courier, reveal)) == (409, "reveal_spent")


def _attempts(world: World, waybill_no: str) -> int:
    """Committed rows of claims on this parcel."""
    return outline(world, waybill=waybill_no).count(TRIED)


def _settled(world: World) -> None:
    """Waits until PostgreSQL has noticed that its client is dead and has let go of the grant."""
    with world.admin() as conn:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                with conn.transaction():
                    conn.execute("set local lock_timeout = '200ms'")
                    conn.execute("select from reveal_grant for update")
                return
            except psycopg.errors.LockNotAvailable:
                continue
    raise TimeoutError("the grant is still locked")
