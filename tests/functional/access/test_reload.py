"""A running gateway takes new policies whole on SIGHUP, or goes on with what it had: with real processes."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import pytest
import urllib3

from tests import canaries
from tests.world import Town, World, policies_with, start_server, wait_until_ready
from vault_gateway.access.snapshot import PREFIX
from vault_gateway.ids import new_id
from vault_gateway.model import Kind, utc_now
from vault_gateway.settings.environment import to_environment
from vault_gateway.settings.policies import default_policies
from vault_gateway.tokens.ids import token_text

FREEZE = """
@id("frozen")
@says("Nobody searches at {merchant} for now.")
forbid (principal, action == Action::"token.search", resource is Tenant)
when {{ resource.merchant == "{merchant}" }};
"""


NOBODY = {kind.value: token_text(kind, new_id(utc_now())) for kind in Kind}


@dataclass
class Served:
    """A gateway as production runs it, on a policy folder of its own."""

    url: str
    policies: Path
    process: subprocess.Popen[bytes]
    log: Path
    town: Town
    seen: int = 0

    def search(self, pool: urllib3.PoolManager | None = None) -> int:
        """The status of a merchant's search, which the policies decide."""
        return self._post("/v1/tokens/search", {"kind": "phone", "last4": "0000"}, pool).status

    def ask(self, path: str, body: Any) -> Any:
        return orjson.loads(self._post(path, body).data)

    def _post(
        self, path: str, body: Any, pool: urllib3.PoolManager | None = None
    ) -> urllib3.BaseHTTPResponse:
        return (pool or urllib3).request(
            "POST",
            f"{self.url}{path}",
            body=orjson.dumps(body),
            headers={
                "Authorization": f"Bearer {self.town.merchant.key}",
                "Content-Type": "application/json",
                # A connection that is kept would be waited for when the gateway stops.
                **({} if pool else {"Connection": "close"}),
            },
            retries=False,
            timeout=10.0,
        )

    def freeze(self) -> None:
        """A valid set that decides this town's searches otherwise, and no case."""
        text = FREEZE.format(merchant=self.town.merchant_slug)
        (self.policies / "access" / "freeze.cedar").write_text(text, encoding="utf-8")

    def thaw(self) -> None:
        (self.policies / "access" / "freeze.cedar").unlink()

    def hang_up(self) -> None:
        self.process.send_signal(signal.SIGHUP)

    def said(self) -> str:
        """What was logged since the last `forget`."""
        return self.log.read_bytes()[self.seen :].decode()

    def logged(self, text: str) -> int:
        return self.said().count(text)

    def forget(self) -> None:
        self.seen = self.log.stat().st_size

    def restore(self) -> None:
        """The policies that ship, in use, with room for many searches."""
        shutil.rmtree(self.policies)
        policies_with(self.policies)
        self.forget()
        self.hang_up()
        self.wait_until_logged('"policies replaced"', 1)
        self.forget()

    def wait_until_logged(self, text: str, times: int) -> None:
        wait_until(lambda: self.logged(text) == times)

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text("ascii")
        return [int(pid) for pid in children.split()]


def wait_until(holds: Callable[[], bool], within_s: float = 15) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[str]:
    port = free_port()
    command = [
        "redis-server",
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--dir",
        str(tmp_path),
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(10)


def start(world: World, town: Town, tmp_path: Path, **changed: object) -> Served:
    policies = policies_with(tmp_path / "policies")
    port = free_port()
    settings = replace(world.settings, host="127.0.0.1", port=port, policies=policies, **changed)  # type: ignore[arg-type]  # settings by name
    log = world.instance.engines.data / "logs" / f"reload-{port}.log"
    return Served(
        f"http://127.0.0.1:{port}", policies, start_server(to_environment(settings), log), log, town
    )


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
    wait_until(lambda: served.search() == 404)

    served.thaw()
    served.hang_up()
    wait_until(lambda: served.search() == 200)
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
        ("quotas.yaml", '"courier":', '"couriers":', "quotas.yaml"),
        ("networks/pdd.yaml", "name: pdd", "name: jd", "its name must be pdd"),
        ("networks/cainiao.yaml", "from: 2021-08-01", "from: 2021-02-30", "cainiao.yaml"),
        ("masking.yaml", "hide_at_least: 6", "hide_at_least: 5", "masking.yaml"),
        ("notices.yaml", "zh:", "de:", "notices.yaml"),
        ("purposes.yaml", "states: [at_station]", "states: [in_transit]", "purposes.yaml"),
    ],
    ids=["syntax", "schema", "case", "cases", "quotas", "networks", "day", "masks", "notices", "purposes"],
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
    wait_until(lambda: served.logged("policies kept") == 1)

    assert served.search() == 200
    assert told in served.said()
    # A worker that has to start anew, while the files are as bad as they are, serves the old set too.
    (worker,) = served.workers()
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: served.workers() not in ([], [worker]))
    wait_until_ready(served.url, served.process, served.log)
    assert served.search() == 200

    path.write_text(text, encoding="utf-8")
    served.hang_up()
    wait_until(lambda: served.search() == 404)


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
        wait_until(lambda: len(gateway.workers()) == 2)
        gateway.freeze()
        # Both have to have come as far as the signal.
        wait_until(lambda: gateway.search() == 200)
        gateway.hang_up()

        wait_until(lambda: gateway.logged('"policies replaced"') == 2)
        assert {gateway.search() for _ in range(20)} == {404}
    finally:
        gateway.process.terminate()
        gateway.process.wait(20)
    assert list((tmp_path / "temporary").glob(f"{PREFIX}*")) == [], "its copy of the policies goes with it"


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        (
            "access/station.cedar",
            "context.purpose ==",
            "context.purposes ==",
            "station.cedar does not fit the schema",
        ),
        ("access/station.cedar", '"sort"', '"deliver"', "north reveal.issue at-north"),
        ("purposes.yaml", "states: [at_station]", "states: [in_transit]", "purposes.yaml"),
        ("quotas.yaml", "courier: 60/minute", "courier: sixty", "is a rate such as 60/minute"),
        ("networks/cainiao.yaml", "modulus: 11", "modulus: 1", "cainiao.yaml"),
        ("masking.yaml", "hide_at_least: 6", "hide_at_least: 5", "masking.yaml"),
    ],
    ids=["schema", "case", "purposes", "quotas", "networks", "masks"],
)
def test_a_gateway_does_not_start_with_a_set_that_fails(
    world: World, town: Town, tmp_path: Path, file: str, old: str, new: str, told: str
) -> None:
    policies = tmp_path / "policies"
    shutil.copytree(default_policies(), policies)
    path = policies / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    settings = replace(world.settings, port=free_port(), policies=policies)
    log = tmp_path / "start.log"

    process = start_server(to_environment(settings), log)

    assert process.wait(30) == 1
    (line,) = [line for line in log.read_text(encoding="utf-8").splitlines() if line]
    assert line.startswith("vault-gateway: ")
    assert told in line
