"""Clients of a gateway on engines of its own."""

from __future__ import annotations

from tests.functional.embedded.installation import run
from tests.functional.serve.conftest import Outside


def add(engines: Outside, name: str, role: str, *more: str) -> str:
    return run("client", "add", name, "--role", role, *more, env=engines.operator)[0].strip()
