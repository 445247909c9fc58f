"""The code knows no network by name: they are data."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import vault_gateway
from tests.unit.networks.shipped import networks

PACKAGE = Path(vault_gateway.__file__).parent
# These tell a story and show examples.
STORIES = ("demo", "documentation")
EXAMPLE = "Example: "


def names() -> set[str]:
    carriers = {slug for network in networks().values() for slug in network.carriers}
    return set(networks()) | {network.title for network in networks().values()} | carriers


def words_of(path: Path) -> Iterator[str]:
    """The words of what the code works with: its texts and names, without what it tells the reader about itself."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    told = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield from () if node.value.startswith(EXAMPLE) else re.findall(r"[a-zA-Z]+", node.value)
        elif isinstance(node, ast.Name | ast.Attribute):
            yield from (node.id if isinstance(node, ast.Name) else node.attr).lower().split("_")


def test_no_network_platform_or_carrier_is_known_by_name() -> None:
    # `fast` and `best` are words too.
    wanted = {name.lower() for name in names()} - {"fast", "best"}
    assert {"yto", "sf"} < wanted
    found = {
        (str(path.relative_to(PACKAGE)), word)
        for path in PACKAGE.rglob("*.py")
        if path.relative_to(PACKAGE).parts[0] not in STORIES
        for word in words_of(path)
        if word.lower() in wanted
    }
    assert found == set()


def test_migrations_know_none_either() -> None:
    for path in (PACKAGE / "migrations").glob("*.sql"):
        words = set(re.findall(r"[a-z]+", path.read_text(encoding="utf-8").lower()))
        assert not words & set(networks()), path.name
