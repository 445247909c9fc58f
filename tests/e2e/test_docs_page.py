"""The page in a real browser, with no network but this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser import Browse
from tests.world import World
from vault_gateway.documentation.document import OPERATIONS


@pytest.fixture
def browse(tmp_path: Path) -> Browse:
    return Browse(tmp_path)


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
