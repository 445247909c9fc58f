"""`up` keeps everything over restarts, however it was ended, and leaves nothing running."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import canaries
from tests.functional.embedded.installation import (
    Up,
    call,
    copy,
    processes_with,
    run,
    wait_until_gone,
)

Begin = Callable[..., Up]


def add(data: Path, name: str, role: str, *more: str) -> str:
    out, _ = run("client", "add", name, "--role", role, *more, "--data", str(data))
    return out.strip()


def tokens_of(url: str, key: str, someone: canaries.Person) -> dict[str, str]:
    status, body = call(url, key, "POST", "/v1/tokens", {"items": canaries.items_of(someone)})
    assert status == 201, body
    return {item["kind"]: item["token"] for item in body["items"]}


def out_for_delivery(url: str, shop: str, carrier: str, tokens: dict[str, str]) -> str:
    waybill: dict[str, Any] = {"network": "douyin", "carrier": "sf", "recipient": tokens}
    status, body = call(url, shop, "POST", "/v1/waybills", waybill)
    assert status == 201, body
    number = str(body["waybill_no"])
    for event in ({"type": "accepted"}, {"type": "out_for_delivery", "courier": "li"}):
        status, body = call(url, carrier, "POST", f"/v1/waybills/{number}/events", event)
        assert status == 201, body
    return number


def test_what_was_tokenised_before_a_restart_is_revealed_after_it(
    begin: Begin, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Settings of another installation, left in the environment, change nothing.
    elsewhere = {
        "VAULT_GATEWAY_DATABASE_URL": "host=/nowhere",
        "VAULT_GATEWAY_VAULT_ADDR": "http://127.0.0.1:9",
        "VAULT_GATEWAY_TOKENIZER_SECRET_ID_FILE": "/nowhere",
    }
    up = begin(folder, env=elsewhere).wait_ready()
    someone = canaries.person()
    shop = add(folder, "shop", "merchant", "--platform", "douyin", "--merchant", "tea")
    carrier = add(folder, "carrier", "carrier", "--carrier", "sf")
    courier = add(folder, "li", "courier", "--carrier", "sf")
    number = out_for_delivery(up.url, shop, carrier, tokens_of(up.url, shop, someone))
    begun = time.monotonic()
    status, more, said = up.stop()
    stopped_s = time.monotonic() - begun
    assert (status, more, said) == (0, "", "")
    assert processes_with(folder) == []

    # Stopped, a command starts the engines for itself.
    listed, _ = run("client", "list", "--data", str(folder))
    assert "li " in listed
    assert processes_with(folder) == []

    begun = time.monotonic()
    up = begin(folder).wait_ready()
    started_s = time.monotonic() - begun
    reveal = {"waybill_no": number, "purpose": "deliver", "claim": True}
    code, body = call(up.url, courier, "POST", "/v1/reveals", reveal)
    assert code == 201, body
    assert body["fields"]["name"] == someone.name
    assert up.stop(signal.SIGINT)[0] == 0
    assert processes_with(folder) == []
    with capsys.disabled():
        print(f"\n  second start {started_s:.1f} s, stop {stopped_s:.1f} s")
    assert started_s < 15
    assert stopped_s < 10


def test_a_killed_up_leaves_no_orphan_and_starts_again(begin: Begin, folder: Path) -> None:
    up = begin(folder).wait_ready()
    shop = add(folder, "shop", "merchant", "--platform", "douyin", "--merchant", "tea")
    tokens = tokens_of(up.url, shop, canaries.person())
    up.process.kill()
    wait_until_gone(folder)

    up = begin(folder).wait_ready()
    code, body = call(up.url, shop, "GET", f"/v1/tokens/{tokens['phone']}")
    assert code == 200, body


@pytest.mark.parametrize(
    ("child", "named"),
    [("openbao", "OpenBao"), ("postgres", "PostgreSQL"), ("redis", "Redis"), ("gateway", "the gateway")],
)
def test_a_killed_child_ends_up_with_one_line(begin: Begin, folder: Path, child: str, named: str) -> None:
    up = begin(folder, options=["--workers", "2"]).wait_ready()
    os.kill(up.children()[child], signal.SIGKILL)
    status, out, err = up.ended()
    assert (status, out) == (1, "")
    assert err.startswith(f"vault-gateway: {named} was killed by signal 9")
    assert err.count("\n") == 1
    wait_until_gone(folder)


def test_a_first_start_killed_at_any_moment_starts_over(
    begin: Begin, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    moments = [random.uniform(0.3, 4.0) for _ in range(5)]
    with capsys.disabled():
        print(f"\n  killed after {', '.join(f'{moment:.2f}' for moment in moments)} s")
    for moment in moments:
        up = begin(tmp_path / "data")
        time.sleep(moment)
        up.process.kill()
        up.process.communicate()
    up = begin(tmp_path / "data").wait_ready()
    shop = add(tmp_path / "data", "shop", "merchant", "--platform", "douyin", "--merchant", "tea")
    tokens_of(up.url, shop, canaries.person())


def test_any_path_will_do(begin: Begin, bootstrapped: Path, tmp_path: Path) -> None:
    data = tmp_path / "with spaces, commas & 'quotes' \"$HOME\" 中文数据".ljust(200, "d")
    copy(bootstrapped, data)
    up = begin(data).wait_ready()
    assert up.stop()[0] == 0
    assert processes_with(data) == []
