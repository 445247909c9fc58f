"""SQL of the number pool: what there is, what is taken, what has rested long enough."""

from __future__ import annotations

import random
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from vault_gateway.database import Connection

_SWEEP_LOCK = 4711006
_PAUSES_S = (0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32)


@dataclass(frozen=True, slots=True)
class RelayNumber:
    """A number of the pool. `telecom` is the principal that owns it, `digits` the length of an extension."""

    number: str
    telecom: str
    mode: str
    digits: int


def add_numbers(
    conn: Connection,
    numbers: Sequence[str],
    *,
    telecom: str,
    mode: str,
    region: str | None,
    digits: int,
    capacity: int,
    now: datetime,
) -> int:
    """Adds what is not there yet; returns how many that were."""
    cursor = conn.execute(
        """
        insert into relay_number (number, telecom, mode, region, digits, capacity, added_at)
        select n, %s, %s, %s, %s, %s, %s from unnest(%s::text[]) as n
        on conflict (number) do nothing
        """,
        (telecom, mode, region, digits, capacity, now, list(numbers)),
    )
    return cursor.rowcount


def find_number(conn: Connection, number: str) -> RelayNumber | None:
    row = conn.execute(
        "select number, telecom, mode, digits from relay_number where number = %s", (number,)
    ).fetchone()
    return None if row is None else RelayNumber(**row)


def regions_with_places(conn: Connection, mode: str, regions: Collection[str]) -> set[str]:
    """Those of the regions that have a place now: a batch goes to many, and most have no numbers of their own."""
    rows = conn.execute(
        """
        select region from unnest(%s::text[]) as asked (region)
        where exists (select from relay_number n
                      where n.mode = %s and n.region = asked.region and retired_at is null and occupied < capacity)
        """,
        (list(regions), mode),
    )
    return {row["region"] for row in rows}


def take_places(conn: Connection, mode: str, region: str | None, count: int) -> list[RelayNumber]:
    """Takes `count` places on the emptiest free numbers of a region (None: of any), one number for each place;
    fewer where there are not so many.

    Numbers that another transaction is taking from are passed over. When only those are left they are asked for
    again a moment later, and never waited for: who holds numbers and waits for more may be waited for in turn.
    """
    asked = {"mode": mode, "region": region}
    places = _take(conn, {**asked, "count": count})
    for pause_s in _PAUSES_S:
        if len(places) == count or not _any_free(conn, asked):
            break
        time.sleep(pause_s * random.uniform(0.5, 1.5))  # noqa: S311 - no secret, so that two do not meet again
        places += _take(conn, {**asked, "count": count - len(places)})
    return places


def _any_free(conn: Connection, asked: dict[str, Any]) -> bool:
    row = conn.execute(
        """
        select 1 from relay_number
        where mode = %(mode)s and retired_at is null and occupied < capacity
          and (%(region)s::text is null or region = %(region)s)
        limit 1
        """,
        asked,
    ).fetchone()
    return row is not None


def _take(conn: Connection, asked: dict[str, Any]) -> list[RelayNumber]:
    # 64 numbers are plenty to spread a batch of 1,000 over, and few enough to leave the others to others.
    rows = conn.execute(
        """
        with free as (
          select number, capacity - occupied as places
          from relay_number
          where mode = %(mode)s and retired_at is null and occupied < capacity
            and (%(region)s::text is null or region = %(region)s)
          order by occupied, number
          limit least(%(count)s, 64)
          for no key update skip locked
        ),
        share as (
          select number, least(places, ceil(%(count)s::numeric / count(*) over ())::int) as wanted,
                 row_number() over (order by number) as position
          from free
        ),
        running as (
          select number, wanted, sum(wanted) over (order by position) as total from share
        ),
        taken as (
          select number, (least(wanted, %(count)s - (total - wanted)))::int as places
          from running where total - wanted < %(count)s
        )
        update relay_number r set occupied = r.occupied + taken.places
        from taken where r.number = taken.number
        returning r.number, r.telecom, r.mode, r.digits, taken.places
        """,
        asked,
    ).fetchall()
    return [
        RelayNumber(row["number"], row["telecom"], row["mode"], row["digits"])
        for row in rows
        for _ in range(row["places"])
    ]


def free_numbers(conn: Connection, mode: str, at_most: int) -> list[str]:
    """The emptiest numbers that have a place now, which `take_place` may find gone a moment later."""
    rows = conn.execute(
        """
        select number from relay_number where mode = %s and retired_at is null and occupied < capacity
        order by occupied, number limit %s
        """,
        (mode, at_most),
    )
    return [row["number"] for row in rows]


def take_place(conn: Connection, number: str) -> bool:
    """A place on this very number; waits for whoever is taking from it just now."""
    cursor = conn.execute(
        """
        update relay_number set occupied = occupied + 1
        where number = %s and retired_at is null and occupied < capacity
        """,
        (number,),
    )
    return cursor.rowcount == 1


def give_back(conn: Connection, number: str, places: int) -> None:
    conn.execute("update relay_number set occupied = occupied - %s where number = %s", (places, number))


def sweep(conn: Connection, now: datetime, *, at_most: int = 5000) -> int:
    """Removes ends that have rested long enough and gives their places back; returns how many bindings that
    were. One sweeper at a time: another one has nothing to do (0)."""
    row = conn.execute("select pg_try_advisory_xact_lock(%s) as mine", (_SWEEP_LOCK,)).fetchone()
    if row is None or not row["mine"]:
        return 0
    # The number first and its ends then, as those do who take a place: the other way round the two would wait for
    # each other. A number that somebody is taking from is for the next sweep.
    gone = conn.execute(
        """
        with due as (
          select distinct number from (
            select number from relay_slot where cool_until <= %(now)s order by cool_until limit %(at_most)s) as first
        ),
        held as (
          select number from relay_number where number in (select number from due) for no key update skip locked
        ),
        gone as (
          delete from relay_slot s using held h
          where s.number = h.number and s.cool_until <= %(now)s
          returning s.number, s.binding_id
        )
        select number, count(distinct binding_id)::int as places from gone group by number order by number
        """,
        {"now": now, "at_most": at_most},
    ).fetchall()
    for number in gone:
        give_back(conn, number["number"], number["places"])
    conn.execute("delete from relay_callback where until <= %s", (now,))
    return sum(number["places"] for number in gone)


def sweep_all(conn: Connection, now: datetime) -> None:
    """Sweeps until nothing is left, in short transactions."""
    swept = 1
    while swept:
        with conn.transaction():
            swept = sweep(conn, now)
