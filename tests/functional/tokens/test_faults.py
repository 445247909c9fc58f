"""Vault or the database fails in the middle of a request: 503, nothing half written, and the same key works later."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
import urllib3
from werkzeug.test import TestResponse

from tests import canaries
from tests.functional.keys.faulty_proxy import FaultyProxy, faulty_proxy
from tests.functional.serve.processes import children
from tests.functional.tokens.database_proxy import DatabaseProxy, database_proxy
from tests.functional.tokens.keyed import NOTHING, audit_locked, body_of, keyed, traces, wait_until_hanging
from tests.serving import start_server, wait_until_ready
from tests.world import Actor, Town, World, unique
from vault_gateway.embedded.processes import free_port
from vault_gateway.settings.environment import to_environment

# Of a keyed request with all three kinds: fingerprint, blind indexes, and a call a kind to encrypt.
CALLS = 5


@pytest.fixture(scope="module")
def vault_line(world: World) -> Iterator[FaultyProxy]:
    with faulty_proxy(world.settings.vault_addr) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def behind_vault_line(world: World, town: Town, vault_line: FaultyProxy) -> Actor:
    """The town's merchant at a gateway whose Vault is beyond the proxy."""
    return replace(town.merchant, app=world.gateway(vault_addr=vault_line.addr))


@pytest.fixture
def line(world: World) -> Iterator[DatabaseProxy]:
    with database_proxy(world.settings.database_url) as proxy:
        yield proxy


@pytest.fixture
def behind_line(world: World, town: Town, line: DatabaseProxy) -> Actor:
    """The town's merchant at a gateway whose database is beyond the proxy."""
    return replace(town.merchant, app=world.gateway(database_url=line.conninfo))


def assert_unavailable(answer: TestResponse, engine: str) -> None:
    assert (answer.status_code, answer.get_json()["code"]) == (503, f"{engine}_unavailable"), answer.text
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.mimetype == "application/problem+json"
    assert not list(canaries.leaks(answer.data))


ALL_OF_IT = {"tokens": 3, "answers": 1, "events": 1}


@pytest.mark.parametrize("fault", ["503", "cut", "garbage", "403"])
@pytest.mark.parametrize("healthy", range(CALLS))
def test_vault_fails_at_any_call(
    world: World, behind_vault_line: Actor, vault_line: FaultyProxy, healthy: int, fault: str
) -> None:
    key, order = unique("k"), unique("O")
    body = body_of(order)
    vault_line.fault = "none"
    assert keyed(behind_vault_line, unique("k"), body_of(unique("O"))).status_code == 207
    vault_line.break_after(healthy, fault)
    assert_unavailable(keyed(behind_vault_line, key, body), "vault")
    assert traces(world, order, key) == NOTHING
    vault_line.fault = "none"
    # An identity that was refused does not log in again at once, so that a ban is no stream of logins.
    deadline = time.monotonic() + 3
    while (answer := keyed(behind_vault_line, key, body)).status_code == 503:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert answer.status_code == 207
    assert traces(world, order, key) == ALL_OF_IT


def test_there_are_as_many_calls_as_are_broken_here(
    behind_vault_line: Actor, vault_line: FaultyProxy
) -> None:
    vault_line.fault = "none"
    keyed(behind_vault_line, unique("k"), body_of(unique("O")))
    before = len(vault_line.paths)
    keyed(behind_vault_line, unique("k"), body_of(unique("O")))
    assert len(vault_line.paths) - before == CALLS


def test_vault_hangs(world: World, behind_vault_line: Actor, vault_line: FaultyProxy) -> None:
    key, order = unique("k"), unique("O")
    vault_line.break_after(2, "hang")
    assert_unavailable(keyed(behind_vault_line, key, body_of(order)), "vault")
    assert traces(world, order, key) == NOTHING
    vault_line.fault = "none"


def test_a_search_without_vault_is_not_counted_as_missed(
    world: World, town: Town, vault_line: FaultyProxy
) -> None:
    app = world.gateway(vault_addr=vault_line.addr, missed_searches_a_day=1)
    merchant = world.actor("merchant", app=app, platform=town.platform_slug, merchant=unique("m"))
    body = {"kind": "phone", "value": canaries.phone()}
    vault_line.break_after(0, "503")
    for _ in range(3):
        assert_unavailable(merchant.post("/v1/tokens/search", body), "vault")
    vault_line.fault = "none"
    assert [merchant.post("/v1/tokens/search", body).status_code for _ in range(2)] == [200, 429]


def until_answered(by: Actor, key: str, body: dict[str, Any]) -> TestResponse:
    """Repeats as a client does, for each dead connection in the gateway's pool costs an answer."""
    deadline = time.monotonic() + 10
    while (answer := keyed(by, key, body)).status_code == 503:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.05)
    return answer


def test_the_database_is_gone_and_comes_back(world: World, behind_line: Actor, line: DatabaseProxy) -> None:
    key, order = unique("k"), unique("O")
    body = body_of(order)
    assert keyed(behind_line, unique("k"), body_of(unique("O"))).status_code == 207
    line.go_away()
    for _ in range(2):
        assert_unavailable(keyed(behind_line, key, body), "database")
    assert traces(world, order, key) == NOTHING
    line.fault = "none"
    assert until_answered(behind_line, key, body).status_code == 207
    assert traces(world, order, key) == ALL_OF_IT


def test_a_commit_that_never_arrives_leaves_nothing(
    world: World, behind_line: Actor, line: DatabaseProxy
) -> None:
    key, order = unique("k"), unique("O")
    body = body_of(order)
    line.fault = "cut before commit"
    assert_unavailable(keyed(behind_line, key, body), "database")
    assert traces(world, order, key) == NOTHING
    assert until_answered(behind_line, key, body).status_code == 207
    assert traces(world, order, key) == ALL_OF_IT


def test_a_commit_whose_answer_is_lost_is_found_again(
    world: World, behind_line: Actor, line: DatabaseProxy
) -> None:
    key, order = unique("k"), unique("O")
    body = body_of(order)
    line.fault = "cut after commit"
    assert_unavailable(keyed(behind_line, key, body), "database")
    assert traces(world, order, key) == ALL_OF_IT
    answer = until_answered(behind_line, key, body)
    assert answer.status_code == 207
    assert traces(world, order, key) == ALL_OF_IT
    stored = behind_line.get(f"/v1/orders/{order}").get_json()["items"]
    assert [one["token"] for one in stored] == [one["token"] for one in answer.get_json()["items"][:3]]


def test_a_backend_that_is_ended_in_a_transaction_leaves_nothing(world: World, town: Town) -> None:
    key, order = unique("k"), unique("O")
    body = body_of(order)
    with ThreadPoolExecutor(1) as threads, audit_locked(world):
        slow = threads.submit(keyed, town.merchant, key, body)
        pid = wait_until_hanging(world)
        with world.admin() as conn:
            conn.execute("select pg_terminate_backend(%s)", (pid,))
        assert_unavailable(slow.result(), "database")
    assert traces(world, order, key) == NOTHING
    assert until_answered(town.merchant, key, body).status_code == 207
    assert traces(world, order, key) == ALL_OF_IT


def test_a_crash_between_commit_and_answer_loses_nothing(
    world: World, town: Town, line: DatabaseProxy, tmp_path: Path
) -> None:
    """`kill -9` of a gateway process at the very moment: it has committed and has not heard of it."""
    key, order = unique("k"), unique("O")
    sent = orjson.dumps(body_of(order))
    port = free_port()
    settings = replace(world.settings, database_url=line.conninfo, port=port)
    process = start_server(to_environment(settings), tmp_path / "served.log")
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_ready(url, process, tmp_path / "served.log")
        line.fault = "hold after commit"
        with ThreadPoolExecutor(1) as threads:
            lost = threads.submit(
                urllib3.request,
                "POST",
                f"{url}/v1/tokens",
                body=sent,
                headers={
                    "Authorization": f"Bearer {town.merchant.key}",
                    "Content-Type": "application/json",
                    "Idempotency-Key": key,
                },
                retries=False,
            )
            assert line.held.wait(10)
            for pid in [*children(process.pid), process.pid]:
                os.kill(pid, signal.SIGKILL)
            with pytest.raises(urllib3.exceptions.ProtocolError):
                lost.result()
    finally:
        process.kill()
        process.wait(10)
    assert traces(world, order, key) == ALL_OF_IT
    # Another gateway gets the same request, byte for byte as it was sent.
    headers = {"Idempotency-Key": key}
    again = town.merchant.post("/v1/tokens", data=sent, headers=headers)
    assert again.status_code == 207
    assert traces(world, order, key) == ALL_OF_IT
    stored = town.merchant.get(f"/v1/orders/{order}").get_json()["items"]
    assert [one["token"] for one in stored] == [one["token"] for one in again.get_json()["items"][:3]]
