"""SECURITY.md says of each guarantee which tests try to break it. What it points at is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
GUARANTEES = 10


def test_every_path_in_it_exists() -> None:
    paths = re.findall(r"`((?:tests|policies|vault_gateway)/[\w./-]+)`", TEXT)
    assert len(paths) > 30
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_guarantee_has_tests_or_says_why_not() -> None:
    rows = dict(re.findall(r"^\| (\d+) \| .+? \| (.+?) \|$", TEXT, re.MULTILINE))
    assert list(rows) == [str(number) for number in range(1, GUARANTEES + 1)]
    for number, tested in rows.items():
        found = re.findall(r"`(tests/[\w./-]+\.py)`", tested)
        assert found, number
        assert all("\ndef test_" in (ROOT / path).read_text(encoding="utf-8") for path in found), number
