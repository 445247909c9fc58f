"""The search for leaks at the end of a run (see conftest.py) finds what it looks for, wherever it looks."""

from __future__ import annotations

import pytest

from tests import canaries
from tests.world import Town, World


@pytest.fixture
def someone() -> canaries.Person:
    """Planted like everyone, but looked for only here."""
    made = canaries.person()
    canaries.forget(made)
    return made


def values_of(someone: canaries.Person) -> list[str]:
    return [someone.name, someone.phone, someone.detail]


def test_a_leak_is_found_however_it_is_written(someone: canaries.Person) -> None:
    for leaked in (
        f"x{someone.name}x".encode(),
        someone.e164.encode(),
        f'"{someone.detail}"'.encode("ascii", "backslashreplace"),
        someone.name.encode().hex().encode(),
    ):
        assert list(canaries.leaks(b"before " + leaked + b" after", values_of(someone))), leaked


def test_a_value_that_was_tokenised_is_in_no_dump_and_one_that_was_not_is(
    world: World, town: Town, someone: canaries.Person
) -> None:
    town.tokenize(someone)
    assert not list(canaries.leaks(world.dump(), values_of(someone)))
    with world.admin() as conn:
        conn.execute("create table leaky (value text)")
        try:
            conn.execute("insert into leaky values (%s)", (someone.name,))
            assert list(canaries.leaks(world.dump(), values_of(someone))) == [someone.name]
        finally:
            conn.execute("drop table leaky")


def test_a_value_that_an_engine_logs_is_found(world: World, someone: canaries.Person) -> None:
    log = world.instance.engines.data / "logs" / "leaky.log"
    log.write_text(f"a statement failed: {someone.phone}\n", encoding="utf-8")
    try:
        assert list(canaries.leaks(world.log_text(), values_of(someone))) == [someone.phone]
    finally:
        log.unlink()
