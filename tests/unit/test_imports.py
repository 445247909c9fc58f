"""What a start does without is not imported by it: each of these libraries is a tenth of its time."""

from __future__ import annotations

import subprocess
import sys

import pytest

_LATER = {"apispec", "redis", "reportlab", "PIL"}


def imported_by(module: str) -> set[str]:
    program = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    return set(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout.split())


@pytest.mark.parametrize(
    ("module", "without"),
    [
        ("vault_gateway.serve", _LATER),
        # `serve` tells the metrics that workers count together before it imports them.
        ("vault_gateway.cli.servers", {*_LATER, "flask", "gunicorn", "prometheus_client"}),
        ("vault_gateway.cli.up", {*_LATER, "flask", "gunicorn", "cedarpy", "joserfc"}),
        ("vault_gateway.cli.root", {*_LATER, "marshmallow", "psycopg", "cryptography"}),
    ],
)
def test_a_start_imports_only_what_it_needs(module: str, without: set[str]) -> None:
    imported = imported_by(module)
    assert "vault_gateway" in imported
    assert imported & without == set()
