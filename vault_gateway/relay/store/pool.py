"""SQL of the number pool: what there is, what is taken, what has rested long enough."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from vault_gateway.database import Connection, Row

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
    conn.execute("select analyze_relay_numbers()")
    return cursor.rowcount


def missing_numbers(conn: Connection, numbers: Sequence[str]) -> list[str]:
    """Those that the pool has not; the others are held until the transaction ends."""
    rows = conn.execute(
        "select number from relay_number where number = any (%s) order by number for no key update",
        (list(numbers),),
    )
    known = {row["number"] for row in rows}
    return [number for number in numbers if number not in known]


def retire_numbers(conn: Connection, numbers: Sequence[str], now: datetime) -> int:
    """Nothing is bound to these any more; what is lives and rests as ever. Returns how many were not retired yet."""
    cursor = conn.execute(
        "update relay_number set retired_at = %s where number = any (%s) and retired_at is null",
        (now, list(numbers)),
    )
    return cursor.rowcount


def move_numbers(conn: Connection, numbers: Sequence[str], telecom: str) -> int:
    """From now on this telecom is told where their calls go. Returns how many were another's."""
    cursor = conn.execute(
        "update relay_number set telecom = %(to)s where number = any (%(numbers)s) and telecom <> %(to)s",
        {"to": telecom, "numbers": list(numbers)},
    )
    return cursor.rowcount


def find_number(conn: Connection, number: str) -> RelayNumber | None:
    row = conn.execute(
        "select number, telecom, mode, digits from relay_number where number = %s", (number,)
    ).fetchone()
    return None if row is None else RelayNumber(**row)


def take_places(
    conn: Connection, mode: str, wanted: Mapping[str | None, int]
) -> dict[str | None, list[RelayNumber]]:
    """Takes so many places on the emptiest free numbers of each region (None: of any), one number for each place;
    fewer where there are not so many.

    Numbers that another transaction is taking from are passed over. When only those are left they are asked for
    again a moment later, and never waited for: who holds numbers and waits for more may be waited for in turn.
    """
    places: dict[str | None, list[RelayNumber]] = {region: [] for region in wanted}
    missing = dict(wanted)
    for pause_s in (0.0, *_PAUSES_S):
        time.sleep(pause_s * random.uniform(0.5, 1.5))  # noqa: S311 - no secret, so that two do not meet again
        for row in _for_each(conn, _TAKE, mode, missing):
            number = RelayNumber(row["number"], row["telecom"], row["mode"], row["digits"])
            places[row["region"]] += [number] * row["places"]
        missing = {region: wanted[region] - len(places[region]) for region in missing}
        missing = {region: count for region, count in missing.items() if count}
        free = {row["region"] for row in _for_each(conn, _ANY_FREE, mode, missing)}
        missing = {region: count for region, count in missing.items() if region in free}
        if not missing:
            break
    return places


def _for_each(conn: Connection, statement: str, mode: str, wanted: Mapping[str | None, int]) -> list[Row]:
    """What the statement says of each region. Of named ones and of anywhere by itself: no plan is good for both."""
    rows: list[Row] = []
    for regions, there in (
        ([region for region in wanted if region is not None], "and n.region = asked.region"),
        ([None] if None in wanted else [], ""),
    ):
        if regions:
            counts = [wanted[region] for region in regions]
            asked = {"mode": mode, "regions": regions, "counts": counts}
            rows += conn.execute(statement.format(there=there), asked).fetchall()
    return rows


# 64 numbers are plenty to spread a batch of 1,000 over, and few enough to leave the others to others.
_TAKE = """
    with asked as (
      select region, places as wanted from unnest(%(regions)s::text[], %(counts)s::int[]) as a (region, places)
    ),
    free as (
      select asked.region, asked.wanted as of_all, n.number, n.places
      from asked cross join lateral (
        select number, capacity - occupied as places
        from relay_number n
        where mode = %(mode)s and retired_at is null and occupied < capacity {there}
        order by occupied, number
        limit least(asked.wanted, 64)
        for no key update skip locked) n
    ),
    share as (
      select region, of_all, number,
             least(places, ceil(of_all::numeric / count(*) over (partition by region))::int) as wanted,
             row_number() over (partition by region order by number) as position
      from free
    ),
    running as (
      select region, of_all, number, wanted, sum(wanted) over (partition by region order by position) as total
      from share
    ),
    taken as (
      select region, number, (least(wanted, of_all - (total - wanted)))::int as places
      from running where total - wanted < of_all
    )
    update relay_number r set occupied = r.occupied + taken.places
    from taken where r.number = taken.number
    returning taken.region, r.number, r.telecom, r.mode, r.digits, taken.places
"""

_ANY_FREE = """
    select region from unnest(%(regions)s::text[]) as asked (region)
    where exists (select from relay_number n
                  where mode = %(mode)s and retired_at is null and occupied < capacity {there})
"""


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
