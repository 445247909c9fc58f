"""How full the pool is, counted from the ends themselves: a few numbers at a time, so that no statement is long however
many millions there are."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from vault_gateway.database import Connection, Row

# Of a hundred thousand ends each at most.
_NUMBERS_AT_ONCE = 10


def state_of_pool(conn: Connection, now: datetime) -> list[Row]:
    """For each mode and region: `numbers`, `capacity`, `live`, `cooling`, `free`, `taken` in the last day and
    `freed` in the coming one. Reads every end: an answer to keep for a while."""
    numbers = conn.execute(
        "select number, mode, region, capacity from relay_number where retired_at is null order by number"
    ).fetchall()
    counted: dict[tuple[str, str | None], Counter[str]] = {}
    for first in range(0, len(numbers), _NUMBERS_AT_ONCE):
        some = numbers[first : first + _NUMBERS_AT_ONCE]
        ends = _ends_of(conn, [row["number"] for row in some], now)
        for row in some:
            held = ends.get(row["number"], {"live": 0, "held": 0, "taken": 0, "freed": 0})
            # An AXB pair has two ends.
            held = {name: count // (2 if row["mode"] == "axb" else 1) for name, count in held.items()}
            counted.setdefault((row["mode"], row["region"]), Counter()).update(
                numbers=1,
                capacity=row["capacity"],
                live=held["live"],
                cooling=held["held"] - held["live"],
                free=row["capacity"] - held["held"],
                taken=held["taken"],
                freed=held["freed"],
            )
    in_order = sorted(counted, key=lambda key: (key[0], key[1] is None, key[1] or ""))
    return [{"mode": key[0], "region": key[1], **_whole(counted[key])} for key in in_order]


def _ends_of(conn: Connection, numbers: list[str], now: datetime) -> dict[str, dict[str, int]]:
    rows = conn.execute(
        """
        select number, count(*) filter (where expires_at > %(now)s)::int as live, count(*)::int as held,
               count(*) filter (where binding_id > uuid_v7_floor(%(now)s - interval '1 day'))::int as taken,
               count(*) filter (where cool_until <= %(now)s + interval '1 day')::int as freed
        from relay_slot where number = any (%(numbers)s::text[]) group by number
        """,
        {"now": now, "numbers": numbers},
    )
    return {row.pop("number"): row for row in rows}


def _whole(counts: Counter[str]) -> dict[str, Any]:
    return {
        name: counts[name] for name in ("numbers", "capacity", "live", "cooling", "free", "taken", "freed")
    }
