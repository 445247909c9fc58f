"""The search for leaks at the end of a run (see conftest.py) finds what it looks for, wherever it looks."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

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
        *(b64encode(before + f"{someone.phone}, {someone.name}".encode()) for before in (b"", b"+", b"+8")),
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


def test_a_value_that_a_stopped_server_left_behind_is_found(tmp_path: Path, someone: canaries.Person) -> None:
    canaries.require_none_in(tmp_path)
    cluster = tmp_path / "data" / "postgres"
    (cluster / "pg_wal").mkdir(parents=True)
    (cluster / "base" / "5").mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("18\n")
    for left in (cluster / "base" / "5" / "1247", cluster / "pg_wal" / "0001", tmp_path / "gateway.log.1"):
        left.write_bytes(b"\x00\x01" + someone.name.encode() + b"\x00")
        canaries.plant(someone.name)
        try:
            with pytest.raises(AssertionError, match=r"planted stand in (PG_VERSION|gateway\.log\.1)$"):
                canaries.require_none_in(tmp_path)
        finally:
            canaries.forget(someone)
            left.unlink()
