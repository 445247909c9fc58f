"""Relay numbers of the tests. The pool is everybody's: what a test adds or takes out, it puts back."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from tests.world import World
from vault_gateway.relay.plan import capacity
from vault_gateway.relay.store import pool

DIGITS = 6


def fresh_number() -> str:
    return f"+86170{secrets.randbelow(10**8):08d}"


def add_numbers(
    world: World, telecom: str, count: int, mode: str, *, region: str | None, places: int | None = None
) -> list[str]:
    """The numbers added, which live until their telecom's are retired."""
    numbers = [fresh_number() for _ in range(count)]
    digits = DIGITS if mode == "extension" else 0
    with world.admin() as conn:
        pool.add_numbers(
            conn,
            numbers,
            telecom=f"key:{telecom}",
            mode=mode,
            region=region,
            digits=digits,
            capacity=places or capacity(mode, digits),
            now=world.clock(),
        )
    return numbers


def retire_numbers(world: World, telecom: str) -> None:
    """Else a parcel of another test gets one, and its telecom does not own it."""
    with world.admin() as conn:
        conn.execute("update relay_number set retired_at = now() where telecom = %s", (f"key:{telecom}",))


@contextmanager
def no_numbers(world: World, mode: str) -> Iterator[None]:
    """No number of this mode is to be had meanwhile, but those that are added."""
    with world.admin() as conn:
        others = [
            row["number"]
            for row in conn.execute(
                "update relay_number set retired_at = now() where mode = %s and retired_at is null"
                " returning number",
                (mode,),
            )
        ]
    try:
        yield
    finally:
        with world.admin() as conn:
            conn.execute("update relay_number set retired_at = null where number = any (%s)", (others,))
