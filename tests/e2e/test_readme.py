"""Every command and every program of the README, in its order, as a newcomer would type them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vault_gateway.embedded.processes import free_port

README = Path(__file__).parents[2] / "README.md"
# Run by CI itself, or by their own tests: `make test` inside of `make test` would not end.
ELSEWHERE = ("make ", ". .venv")


def blocks() -> list[tuple[str, str]]:
    """Language and text of each fenced block that is a command or a program, on a port of this test's own."""
    text = README.read_text(encoding="utf-8").replace("8080", str(free_port()))
    return re.findall(r"^```(sh|python)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.fixture
def shell(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    folder = Path(sys.executable).parent
    return tmp_path, {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}


def wait_for_ready(output: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while "ready http://127.0.0.1:" not in output.read_text(encoding="utf-8"):
        assert process.poll() is None, output.read_text(encoding="utf-8")
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_the_readme_does_what_it_says(shell: tuple[Path, dict[str, str]]) -> None:
    folder, environment = shell
    server: subprocess.Popen[bytes] | None = None
    said: list[str] = []
    try:
        for language, text in blocks():
            if language == "python":
                said.append(run([sys.executable, "-c", text], folder, environment))
                continue
            kept = [line for line in text.splitlines(keepends=True) if not line.startswith(ELSEWHERE)]
            for line in [line for line in kept if line.rstrip().endswith("&")]:
                kept.remove(line)
                output = folder / "up.out"
                with output.open("wb") as file:
                    command = line.strip().rstrip("&").split()
                    server = subprocess.Popen(command, cwd=folder, env=environment, stdout=file, stderr=file)
                wait_for_ready(output, server)
            if kept:
                said.append(run(["bash", "-euo", "pipefail", "-c", "".join(kept)], folder, environment))
    finally:
        if server is not None:
            server.send_signal(signal.SIGTERM)
            server.wait(30)
    everything = "\n".join(said)
    for promised in (
        '"masked":"王**"',
        "1******8000",
        "浙江省杭州市西湖区****",
        "王小明",
        "文三路1号2单元301",
        "= 9,000",
        '"action":"reveal.release"',
        "courier-reveals-assigned-parcels",
    ):
        assert promised in everything, promised
    cases = re.search(r"([0-9]+) cases in", everything)
    assert cases is not None
    assert int(cases[1]) > 1000
    assert (folder / "tokens.csv").read_text(encoding="utf-8").count("ph_") == 1
    assert "reveal.release" in (folder / "log.csv").read_text(encoding="utf-8")


def run(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, f"{command[-1]}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_links_lead_somewhere() -> None:
    text = README.read_text(encoding="utf-8")
    headings = {
        re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)]+)\)", text):
        assert target[1:] in headings if target.startswith("#") else (README.parent / target).exists(), target
