"""10,000 values in one request: within the body limit, in bounded memory, all of them kept or none."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import orjson
import urllib3

from tests import canaries
from tests.functional.serve.processes import children
from tests.functional.tokens.keyed import count_of
from tests.serving import start_server, wait_until_ready
from tests.world import Town, World, unique
from vault_gateway.embedded.processes import free_port
from vault_gateway.settings.environment import to_environment

ITEMS = 10_000
# Parsed body, values, ciphertexts, rows and answer of one request at once; measured 39 MB.
MOST_MB_A_REQUEST = 80


def bulk(order: str) -> bytes:
    people = [canaries.person() for _ in range(20)]
    items = [
        {**item, "ref": str(n)} for n in range(ITEMS) for item in [canaries.items_of(people[n % 20])[n % 3]]
    ]
    return orjson.dumps({"order": order, "items": items})


def peak_mb(pid: int) -> float:
    """The most memory that the process has had, in MB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def post(url: str, town: Town, body: bytes) -> urllib3.BaseHTTPResponse:
    return urllib3.request(
        "POST",
        f"{url}/v1/tokens",
        body=body,
        headers={"Authorization": f"Bearer {town.merchant.key}", "Content-Type": "application/json"},
        retries=False,
        timeout=60,
    )


def test_ten_thousand_values_take_bounded_memory(world: World, town: Town, tmp_path: Path) -> None:
    settings = replace(world.settings, port=free_port())
    url, log = f"http://127.0.0.1:{settings.port}", tmp_path / "served.log"
    process = start_server(to_environment(settings), log)
    try:
        wait_until_ready(url, process, log)
        [worker] = children(process.pid)
        before = peak_mb(worker)
        orders = [unique("bulk") for _ in range(3)]
        for order in orders[:1]:
            answer = post(url, town, bulk(order))
            assert answer.status == 201, answer.data[:300]
            made = orjson.loads(answer.data)["items"]
            assert [one["ref"] for one in made] == [str(n) for n in range(ITEMS)]
            assert len({one["token"] for one in made}) == ITEMS
        once = peak_mb(worker) - before
        with ThreadPoolExecutor(2) as threads:
            answers = list(threads.map(lambda order: post(url, town, bulk(order)).status, orders[1:]))
        twice = peak_mb(worker) - before
    finally:
        process.terminate()
        process.wait(20)
    assert answers == [201, 201]
    assert [count_of(world, order) for order in orders] == [ITEMS] * 3
    assert once < MOST_MB_A_REQUEST, f"{once:.0f} MB"
    assert twice < 2 * MOST_MB_A_REQUEST, f"{twice:.0f} MB"
    print(f"one request of {ITEMS}: {once:.0f} MB, two at once: {twice:.0f} MB")
    assert len(bulk("x")) < world.settings.max_body_bytes
