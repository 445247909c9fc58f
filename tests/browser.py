"""A real browser, with no network but this machine."""

from __future__ import annotations

import subprocess
from pathlib import Path

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


class Browse:
    """Opens an address; gives the page as it stands after its scripts, and what they said on the console."""

    def __init__(self, profile: Path) -> None:
        self._profile = profile

    def __call__(self, url: str) -> tuple[str, list[str]]:
        done = subprocess.run(
            ["chromium", *FLAGS, f"--user-data-dir={self._profile}", url],
            capture_output=True,
            text=True,
            timeout=180,
            check=True,
        )
        return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]
