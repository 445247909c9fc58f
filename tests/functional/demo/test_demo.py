"""The demo as a newcomer runs it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vault_gateway.demo.orders import sample
from vault_gateway.demo.screen import WIDTH, cells
from vault_gateway.demo.story import HERO

COMMAND = [sys.executable, "-m", "vault_gateway", "demo"]
_FOLDER = re.compile(r"run in (\S+)")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("demo")
    environment = {**os.environ, "TMPDIR": str(folder), "LC_ALL": "C"}
    ended = subprocess.run(COMMAND, env=environment, capture_output=True, check=False, timeout=120)
    assert ended.returncode == 0, ended.stderr.decode()
    assert ended.stderr == b""
    assert list(folder.iterdir()) == []
    return ended.stdout.decode()


def test_it_tells_all_six_acts(told: str) -> None:
    assert re.findall(r"(?m)^ (\d)  ", told) == ["1", "2", "3", "4", "5", "6"]
    assert "190 orders are well" in told
    assert re.search(r"All \d+ claims above were checked", told)


def test_it_fits_the_screen_and_is_plain_in_a_pipe(told: str) -> None:
    assert "\x1b" not in told
    # The folder has the name that this machine gives it.
    assert max(cells(line) for line in told.splitlines() if "all three run in" not in line) <= WIDTH


def test_only_the_right_courier_sees_a_name_and_a_door(told: str) -> None:
    before, box, after = re.split(r"(?s)(┌[^└]*人民路[^┘]*┘)", told)
    hero = next(order for order in sample() if order.order == HERO)
    assert isinstance(hero.address, dict)
    assert hero.name in box
    assert hero.address["detail"] in box
    for order in sample():
        for secret in order.secrets():
            # Masks that a buyer typed are no secret, and one broken order has nothing else for a name.
            if "*" not in secret:
                assert secret not in before + after, order.order


def test_two_who_call_each_other_do_and_a_stranger_does_not(told: str) -> None:
    tries = re.findall(
        r"(?m)^  ([✓✗]) (courier-lin|the recipient|a stranger) +(calls|tries)\b.*?(\S.*)$", told
    )
    assert [(mark, who) for mark, who, _, _ in tries] == [
        ("✓", "courier-lin"),
        ("✓", "the recipient"),
        ("✗", "a stranger"),
        ("✗", "a stranger"),
    ]
    assert "the recipient's phone rings" in told
    assert "courier-lin's phone rings" in told
    assert "two calls of 35 and 72 seconds" in told
    logged = re.findall(r"(?m)^    \S+  voice +relay\.route +allow", told)
    assert len(logged) == 2


def test_every_wrong_one_is_refused_and_logged(told: str) -> None:
    refused = re.findall(r"(?m)^  ✗ (\S+).*\b(4\d\d) ", told)
    logged = re.findall(r"(?m)^    \S+  (\S+) +\S+ +\S+ +deny +(\S+)", told)
    assert refused == [
        ("courier-lin", "404"),
        ("courier-he", "404"),
        ("courier-wu", "404"),
        ("tea-house", "403"),
        ("courier-lin", "403"),
        ("courier-lin", "409"),
        ("courier-lin", "403"),
    ]
    assert [who for who, _ in logged] == [who for who, _ in refused]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_nothing_running(number: signal.Signals) -> None:
    process = subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    folder = None
    for line in process.stdout:
        if found := _FOLDER.search(line):
            folder = found[1]
            break
    assert folder is not None
    assert processes_of(folder)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "")
    assert processes_of(folder) == []
    assert not Path(folder).exists()


def processes_of(folder: str) -> list[str]:
    """The command lines of processes that name the folder, once the last had a moment to end."""
    found: list[str] = []
    for _ in range(20):
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if folder in line:
                found.append(line)
        if not found:
            break
        time.sleep(0.05)
    return found
