"""One bootstrapped folder a run; every test gets a copy of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.functional.embedded.installation import Up, copy, start, wait_until_gone


@pytest.fixture(scope="session")
def bootstrapped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("bootstrapped") / "data"
    up = start(data)
    try:
        up.wait_ready()
    finally:
        status, _, err = up.stop()
    assert (status, err) == (0, "")
    return data


@pytest.fixture
def folder(bootstrapped: Path, tmp_path: Path) -> Path:
    """A stopped instance that has started once, with owners and modes as they were."""
    data = tmp_path / "data"
    copy(bootstrapped, data)
    return data


@pytest.fixture
def begin() -> Iterator[Callable[..., Up]]:
    """`start`, with an end for all that a test leaves running."""
    started: list[Up] = []

    def begin(data: Path, **more: Any) -> Up:
        started.append(start(data, **more))
        return started[-1]

    yield begin
    for up in started:
        up.process.kill()
        up.process.communicate()
    for up in started:
        wait_until_gone(up.data)
