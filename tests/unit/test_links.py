"""What the documents point at is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_TARGETS = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)|src=\"([^\"]+)\"")
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [*ROOT.glob("*.md"), *(ROOT / "policies").rglob("*.md"), *(ROOT / "deploy").rglob("*.md")]
)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_file_that_a_document_links_is_there(name: str) -> None:
    document = ROOT / name
    targets = [a or b for a, b in _TARGETS.findall(document.read_text(encoding="utf-8"))]
    here = [target for target in targets if "://" not in target]
    assert [target for target in here if not (document.parent / target).exists()] == []
