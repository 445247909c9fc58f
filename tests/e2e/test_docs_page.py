"""The page in a real browser, with no network but this machine."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.world import World
from vault_gateway.documentation.document import OPERATIONS

# Nothing of the browser's own: what is left on the wire is what the page asks for.
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    # Every name but the server's own address resolves to nothing.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--virtual-time-budget=10000",
    "--dump-dom",
)


@pytest.fixture
def browse(tmp_path: Path) -> Browse:
    return Browse(tmp_path)


class Browse:
    """Opens an address; gives the page as it stands after its scripts, and what they said on the console."""

    def __init__(self, profile: Path) -> None:
        self._profile = profile

    def __call__(self, url: str) -> tuple[str, list[str]]:
        done = subprocess.run(
            ["chromium", *FLAGS, f"--user-data-dir={self._profile}", url],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def test_the_page_shows_every_operation_without_a_word_on_the_console(world: World, browse: Browse) -> None:
    with world.served() as url:
        page, console = browse(f"{url}/docs")
        codes, quiet = browse(f"{url}/docs/errors")
    assert console == []
    assert quiet == []
    assert "快递隐私保险库" in page
    for operation in OPERATIONS:
        assert operation.summary.replace("'", "&#x27;") in page or operation.summary in page, operation.name
    assert 'id="reveal_spent"' in codes


def test_the_console_would_be_heard(tmp_path: Path, browse: Browse) -> None:
    page = tmp_path / "page.html"
    page.write_text("<script>console.error('heard')</script>", encoding="utf-8")
    _, console = browse(page.as_uri())
    assert any("heard" in line for line in console)
