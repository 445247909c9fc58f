"""SIGHUP to `up`: the gateway takes new policies. A terminal that is closed says the same signal and ends it."""

from __future__ import annotations

import fcntl
import os
import pty
import shutil
import signal
import subprocess
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.functional.embedded.installation import COMMAND, Up, call, run, wait_until_gone
from tests.waiting import eventually
from vault_gateway.embedded.processes import free_port
from vault_gateway.settings.policies import default_policies

Begin = Callable[..., Up]

FREEZE = """
@id("frozen")
forbid (principal, action == Action::"token.search", resource is Tenant)
when { resource.merchant == "coffee" };
"""


def test_up_takes_new_policies_on_a_hangup_and_keeps_the_old_ones_where_those_are_wrong(
    begin: Begin, folder: Path, tmp_path: Path
) -> None:
    policies = tmp_path / "policies"
    shutil.copytree(default_policies(), policies)
    up = begin(folder, env={"VAULT_GATEWAY_POLICIES": str(policies)}).wait_ready()
    added = ("client", "add", "shop", "--role", "merchant", "--platform", "douyin", "--merchant", "coffee")
    key = run(*added, "--data", str(folder))[0].strip()

    def search() -> int:
        return call(up.url, key, "POST", "/v1/tokens/search", {"kind": "phone", "last4": "0000"})[0]

    def logged(text: str) -> bool:
        return text in (folder / "logs" / "gateway.log").read_text(encoding="utf-8")

    assert search() == 200
    frozen = policies / "access" / "freeze.cedar"
    frozen.write_text(FREEZE.replace("coffee", "coffee, and what is this"), encoding="utf-8")
    (policies / "access" / "courier.cedar").rename(tmp_path / "courier.cedar")
    up.process.send_signal(signal.SIGHUP)
    eventually(lambda: logged("policies kept"))
    assert search() == 200

    (tmp_path / "courier.cedar").rename(policies / "access" / "courier.cedar")
    frozen.write_text(FREEZE, encoding="utf-8")
    up.process.send_signal(signal.SIGHUP)
    eventually(lambda: search() == 404)
    assert up.stop()[0] == 0


@pytest.mark.parametrize("nohup", [False, True])
def test_a_closed_terminal_ends_up_unless_it_was_started_with_nohup(folder: Path, nohup: bool) -> None:
    port = free_port()
    command = [*COMMAND, "up", "--data", str(folder), "--port", str(port)]
    terminal, ours = pty.openpty()

    def take_terminal() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        if nohup:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)

    process = subprocess.Popen(
        command, stdin=ours, stdout=ours, stderr=ours, start_new_session=True, preexec_fn=take_terminal
    )
    os.close(ours)
    said = b""
    while b"ready " not in said:
        said += os.read(terminal, 4096)

    os.close(terminal)

    if nohup:
        time.sleep(1.5)
        assert process.poll() is None, "it serves on"
        process.terminate()
    assert process.wait(60) == 0
    wait_until_gone(folder)
