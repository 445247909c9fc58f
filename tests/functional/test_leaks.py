"""The last test of a run: what all others planted is in no dump and no log."""

from __future__ import annotations

import pytest

from tests import canaries
from tests.world import Town, World


@pytest.mark.last
def test_no_dump_and_no_log_of_this_run_holds_a_planted_value(world: World, town: Town) -> None:
    someone = canaries.person()
    town.tokenize(someone)
    assert not list(canaries.leaks(world.dump()))
    assert not list(canaries.leaks(world.log_text()))


def test_a_leak_would_be_found(world: World) -> None:
    someone = canaries.person()
    for leaked in (
        f"x{someone.name}x".encode(),
        someone.e164.encode(),
        f'"{someone.detail}"'.encode("ascii", "backslashreplace"),
        someone.name.encode().hex().encode(),
    ):
        assert list(canaries.leaks(b"before " + leaked + b" after")), leaked
