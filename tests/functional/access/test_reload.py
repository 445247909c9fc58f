"""A running gateway takes new policies whole on SIGHUP, or goes on with what it had: with real processes."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
import urllib3

from tests import canaries
from tests.functional.access.running import Served, start
from tests.functional.serve.outside import start_redis
from tests.serving import wait_until_ready
from tests.waiting import eventually
from tests.world import Town, World
from vault_gateway.ids import new_id
from vault_gateway.model import Kind, utc_now
from vault_gateway.tokens.ids import token_text

NOBODY = {kind.value: token_text(kind, new_id(utc_now())) for kind in Kind}


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[str]:
    server = start_redis(tmp_path)
    yield server.address
    server.stop()


@pytest.fixture(scope="module")
def gateway(world: World, town: Town, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    made = start(world, town, tmp_path_factory.mktemp("reload"))
    try:
        wait_until_ready(made.url, made.process, made.log)
        yield made
    finally:
        made.process.terminate()
        made.process.wait(20)


@pytest.fixture
def served(gateway: Served) -> Served:
    """One gateway for all tests: each begins with the policies that ship and an empty log."""
    gateway.restore()
    return gateway


def test_a_good_set_decides_from_the_signal_on_and_the_old_one_again_after_the_next(served: Served) -> None:
    assert served.search() == 200
    workers = served.workers()

    served.freeze()
    assert served.search() == 200, "nothing changes before the signal"
    served.hang_up()
    eventually(lambda: served.search() == 404)

    served.thaw()
    served.hang_up()
    eventually(lambda: served.search() == 200)
    assert served.workers() == workers, "no worker was restarted"
    assert served.logged('"policies replaced"') == 2


def test_other_quotas_count_from_the_signal_on(served: Served) -> None:
    path = served.policies / "quotas.yaml"
    quotas = orjson.loads(path.read_bytes())
    quotas["rates"]["searches"]["client"] = "1/hour"
    path.write_bytes(orjson.dumps(quotas))
    assert [served.search() for _ in range(3)] == [200] * 3
    served.hang_up()
    served.wait_until_logged('"policies replaced"', 1)
    assert [served.search() for _ in range(2)] == [200, 429]


def test_networks_and_masks_hold_from_the_signal_on(served: Served) -> None:
    order = {"network": "jd", "carrier": served.town.carrier_slug, "recipient": NOBODY}
    phone = {"items": [{"kind": "phone", "value": canaries.phone()}]}
    masked = served.ask("/v1/tokens", phone)["items"][0]["masked"]
    assert served.ask("/v1/waybills", order)["code"] == "token_unknown"

    (served.policies / "networks" / "jd.yaml").unlink()
    masks = served.policies / "masking.yaml"
    masks.write_text(masks.read_text("utf-8").replace("keep_first: 1", "keep_first: 0", 1), encoding="utf-8")
    assert served.ask("/v1/waybills", order)["code"] == "token_unknown", "nothing changes before the signal"
    served.hang_up()
    served.wait_until_logged('"policies replaced"', 1)

    assert served.ask("/v1/waybills", order)["code"] == "network_unknown"
    assert served.ask("/v1/tokens", phone)["items"][0]["masked"] == "*" + masked[1:]


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("access/courier.cedar", "permit (", "permitt (", "courier.cedar cannot be parsed"),
        ("access/courier.cedar", "resource.courier ==", "resource.curier ==", "does not fit the schema"),
        ("access/courier.cedar", "context.now <=", "0 <=", "now=1001"),
        (
            "access/cases.yaml",
            "purpose: marketing, now: 500}, then: deny",
            "purpose: marketing, now: 500}, then: allow",
            "row",
        ),
        ("access/cases.yaml", "deliver_by: 1000", "deliver_by: 99999999999999999999999", "64 bits"),
        ("quotas.yaml", '"courier":', '"couriers":', "quotas.yaml"),
        ("networks/pdd.yaml", "name: pdd", "name: jd", "its name must be pdd"),
        ("networks/cainiao.yaml", "from: 2021-08-01", "from: 2021-02-30", "cainiao.yaml"),
        ("masking.yaml", "hide_at_least: 6", "hide_at_least: 5", "masking.yaml"),
        ("notices.yaml", "zh:", "de:", "notices.yaml"),
        ("purposes.yaml", "states: [at_station]", "states: [in_transit]", "purposes.yaml"),
    ],
    ids=[
        "syntax",
        "schema",
        "case",
        "cases",
        "number",
        "quotas",
        "networks",
        "day",
        "masks",
        "notices",
        "purposes",
    ],
)
def test_a_set_that_fails_is_refused_with_its_place_and_the_old_one_stays(
    served: Served, file: str, old: str, new: str, told: str
) -> None:
    served.freeze()
    path = served.policies / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")

    served.hang_up()
    eventually(lambda: served.logged("policies kept") == 1)

    assert served.search() == 200
    assert told in served.said()
    # A worker that has to start anew, while the files are as bad as they are, serves the old set too.
    (worker,) = served.workers()
    os.kill(worker, signal.SIGKILL)
    eventually(lambda: served.workers() not in ([], [worker]))
    wait_until_ready(served.url, served.process, served.log)
    assert served.search() == 200

    path.write_text(text, encoding="utf-8")
    served.hang_up()
    eventually(lambda: served.search() == 404)


def test_no_request_fails_while_sets_are_replaced(served: Served) -> None:
    seen: set[int] = set()
    done = threading.Event()

    def keep_asking() -> None:
        with urllib3.PoolManager() as pool:
            while not done.is_set():
                seen.add(served.search(pool))

    asking = [threading.Thread(target=keep_asking) for _ in range(2)]
    for thread in asking:
        thread.start()
    try:
        for replaced in range(1, 7):
            (served.freeze if replaced % 2 else served.thaw)()
            served.hang_up()
            served.wait_until_logged('"policies replaced"', replaced)
    finally:
        done.set()
        for thread in asking:
            thread.join()

    assert seen == {200, 404}


def test_several_workers_take_the_same_set_and_leave_no_copy_behind(
    world: World, town: Town, tmp_path: Path, redis: str
) -> None:
    gateway = start(world, town, tmp_path, workers=2, redis_url=redis)
    try:
        wait_until_ready(gateway.url, gateway.process, gateway.log)
        eventually(lambda: len(gateway.workers()) == 2)
        gateway.freeze()
        # Both have to have come as far as the signal.
        eventually(lambda: gateway.search() == 200)
        gateway.hang_up()

        eventually(lambda: gateway.logged('"policies replaced"') == 2)
        assert {gateway.search() for _ in range(20)} == {404}
        assert len(gateway.copies()) == 1
    finally:
        gateway.process.terminate()
        gateway.process.wait(20)
    assert gateway.copies() == [], "its copy of the policies goes with it"
