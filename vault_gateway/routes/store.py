"""SQL of the routes room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from vault_gateway.database import Connection
from vault_gateway.routes.table import Route

_NAMED = ("country", "province", "city", "district", "township")


def next_version(conn: Connection, carrier: str, rows: int, now: datetime) -> int:
    """Takes the carrier's lock until the transaction ends; whoever reads meanwhile finds the version before."""
    row = conn.execute(
        """
        insert into route_table (carrier, version, rows, replaced_at) values (%s, 1, %s, %s)
        on conflict (carrier) do update
        set version = route_table.version + 1, rows = excluded.rows, replaced_at = excluded.replaced_at
        returning version
        """,
        (carrier, rows, now),
    ).fetchone()
    assert row is not None, "an upsert returns its row"
    return int(row["version"])


def replace_routes(conn: Connection, carrier: str, version: int, routes: Sequence[Route]) -> None:
    conn.execute(
        """
        insert into route (carrier, version, prefix, code)
        select %b, %b, r.prefix, r.code from unnest(%b::text[], %b::text[]) as r (prefix, code)
        """,
        (carrier, version, [_text(route.prefix) for route in routes], [route.code for route in routes]),
        binary=True,
    )
    conn.execute("delete from route where carrier = %s and version < %s", (carrier, version))


def codes_of(conn: Connection, destinations: Sequence[tuple[str, Mapping[str, str]]]) -> list[str | None]:
    """For each carrier and region, the code of the longest prefix that the carrier's table has; in one query."""
    places = [(carrier, *map(region.get, _NAMED)) for carrier, region in destinations]
    # Many parcels go to one place.
    prefixes = {
        place: [(place[0], _text(prefix)) for prefix in _prefixes(*place[1:])] for place in set(places)
    }
    asked = {each for of_one in prefixes.values() for each in of_one}
    if not asked:
        return [None] * len(destinations)
    rows = conn.execute(
        """
        select route.carrier, route.prefix, route.code
        from unnest(%b::text[], %b::text[]) as asked (carrier, prefix)
        join route_table on route_table.carrier = asked.carrier
        join route on route.carrier = asked.carrier and route.version = route_table.version
          and route.prefix = asked.prefix
        """,
        [list(column) for column in zip(*asked, strict=True)],
    )
    codes = {(row["carrier"], row["prefix"]): str(row["code"]) for row in rows}
    found = {
        place: next((codes[each] for each in reversed(of_one) if each in codes), None)
        for place, of_one in prefixes.items()
    }
    return [found[place] for place in places]


def _prefixes(country: str | None, *levels: str | None) -> list[tuple[str, ...]]:
    """The shortest first; none outside China, whose regions no table has."""
    if country != "CN":
        return []
    names: list[str] = []
    for name in levels:
        if not name:
            break
        names.append(name)
    return [tuple(names[:length]) for length in range(1, len(names) + 1)]


def _text(prefix: Sequence[str]) -> str:
    """No name of a region has a slash."""
    return "/".join(prefix)
