"""A sender is killed in the middle of a try: the notice goes out all the same, with the same id."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from dataclasses import replace

import pytest
import urllib3

from tests import canaries
from tests.functional.notices import provider as providers
from tests.functional.notices.conftest import WINDOW
from tests.functional.notices.provider import Provider
from tests.serving import start_server, wait_until_ready
from tests.waiting import eventually
from tests.world import Town, World
from vault_gateway.settings.environment import to_environment
from vault_gateway.settings.model import Settings


@pytest.fixture
def settings(world: World, provider: Provider) -> Settings:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return replace(
        world.settings,
        host="127.0.0.1",
        port=port,
        notice_provider="webhook",
        notice_webhook_url=f"{provider.url}/send",
        notice_webhook_secret=providers.SECRET,
    )


def serve(world: World, settings: Settings) -> subprocess.Popen[bytes]:
    log = world.instance.engines.data / "logs" / f"notices-{settings.port}.log"
    process = start_server(to_environment(settings), log)
    wait_until_ready(f"http://127.0.0.1:{settings.port}", process, log)
    return process


def test_a_killed_sender_leaves_its_notice_to_the_next(
    world: World, town: Town, settings: Settings, provider: Provider
) -> None:
    someone = canaries.person()
    waybill_no = town.waybill(town.tokenize(someone))
    assert town.event(waybill_no, "accepted").status_code == 201
    first = serve(world, settings)
    provider.plan.append("hang")
    # Asked of the served process itself: the key is good anywhere.
    made = ask(settings, town.carrier.key, waybill_no)
    assert provider.came.wait(15)
    workers = subprocess.run(
        ["pgrep", "-P", str(first.pid)], capture_output=True, text=True, check=True
    ).stdout.split()
    for pid in (first.pid, *map(int, workers)):
        os.kill(pid, signal.SIGKILL)
    first.wait(20)
    provider.let_go.set()
    with world.admin() as conn:
        [row] = conn.execute(
            "select state, tries from notice where waybill_no = %s", (waybill_no,)
        ).fetchall()
        assert (row["state"], row["tries"]) == ("queued", 1)
        # As when the lease has run out.
        conn.execute("update notice set due_at = now() where waybill_no = %s", (waybill_no,))
    second = serve(world, replace(settings))
    try:
        # Notices that tests before this one left in the queue go out as well.
        eventually(
            lambda: {"taken": [id_ for id_, _, _ in provider.taken].count(made)},
            lambda now: now["taken"] == 2,
        )
        assert {to for id_, to, _ in provider.taken if id_ == made} == {someone.e164}

        def state() -> dict[str, object]:
            with world.admin() as conn:
                [found] = conn.execute(
                    "select state from notice where waybill_no = %s", (waybill_no,)
                ).fetchall()
            return found

        eventually(state, lambda now: now["state"] == "sent")
    finally:
        second.terminate()
        second.wait(20)


def ask(settings: Settings, key: str, waybill_no: str) -> str:
    body = {"waybill_no": waybill_no, "template": "delivery_planned", "params": {"window": WINDOW}}
    answer = urllib3.request(
        "POST",
        f"http://127.0.0.1:{settings.port}/v1/notices",
        body=json.dumps(body),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    assert answer.status == 201, answer.data
    return str(answer.json()["notice_id"])
