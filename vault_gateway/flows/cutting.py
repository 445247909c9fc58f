"""SQL of the flows room: cutting pages into tens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from vault_gateway.database import Connection
from vault_gateway.flows.spans import FIRST, SPANS

# Cells that are cut at once, where pages are small enough.
_CELLS_AT_ONCE = 50_000
_PAGES_AT_ONCE = 1_000

# One day of one book.
Page = tuple[int, date]

# What is left of the cells of one level (`parcels - tens`) makes the cells of the next.
_CUT = """
with page as (select * from unnest(%(books)s::integer[], %(days)s::date[]) as named (book, day)),
cells0 as (
  select book, day, origin, destination, carrier, network, state, time, parcels
  from page join flow_cell using (book, day)),
tens0 as (
  select c.*, flow_tens(b.secret, day, origin, destination, carrier, network, state, time, parcels) as tens
  from cells0 c join flow_book b on b.id = book),
cells1 as (
  select book, day, origin, destination, carrier, network, state, '*' as time,
         sum(parcels - tens)::bigint as parcels
  from tens0 where parcels > tens group by 1, 2, 3, 4, 5, 6, 7, 8),
tens1 as (
  select c.*, flow_tens(b.secret, day, origin, destination, carrier, network, state, time, parcels) as tens
  from cells1 c join flow_book b on b.id = book),
cells2 as (
  select book, day, origin, destination, carrier, '*' as network, state, '*' as time,
         sum(parcels - tens)::bigint as parcels
  from tens1 where parcels > tens group by 1, 2, 3, 4, 5, 6, 7, 8),
tens2 as (
  select c.*, flow_tens(b.secret, day, origin, destination, carrier, network, state, time, parcels) as tens
  from cells2 c join flow_book b on b.id = book),
cells3 as (
  select book, day, origin, destination, '*' as carrier, '*' as network, state, '*' as time,
         sum(parcels - tens)::bigint as parcels
  from tens2 where parcels > tens group by 1, 2, 3, 4, 5, 6, 7, 8),
tens3 as (
  select c.*, flow_tens(b.secret, day, origin, destination, carrier, network, state, time, parcels) as tens
  from cells3 c join flow_book b on b.id = book),
cells4 as (
  select book, day, origin, destination, '*' as carrier, '*' as network, '*' as state, '*' as time,
         sum(parcels - tens)::bigint as parcels
  from tens3 where parcels > tens group by 1, 2, 3, 4, 5, 6, 7, 8),
tens4 as (
  select c.*, flow_tens(b.secret, day, origin, destination, carrier, network, state, time, parcels) as tens
  from cells4 c join flow_book b on b.id = book),
cells5 as (
  select book, day, '*' as origin, destination, '*' as carrier, '*' as network, '*' as state, '*' as time,
         sum(parcels - tens)::bigint as parcels
  from tens4 where parcels > tens group by 1, 2, 3, 4, 5, 6, 7, 8),
tens5 as (
  select c.*, flow_tens(b.secret, day, origin, destination, carrier, network, state, time, parcels) as tens
  from cells5 c join flow_book b on b.id = book),
cells6 as (
  select book, day, '*' as origin, '*' as destination, '*' as carrier, '*' as network, '*' as state, '*' as time,
         sum(parcels - tens)::bigint as parcels
  from tens5 where parcels > tens group by 1, 2, 3, 4, 5, 6, 7, 8),
tens6 as (
  select c.*, flow_tens(b.secret, day, origin, destination, carrier, network, state, time, parcels) as tens
  from cells6 c join flow_book b on b.id = book),
ten as (
  select * from tens0 where tens > 0
  union all select * from tens1 where tens > 0
  union all select * from tens2 where tens > 0
  union all select * from tens3 where tens > 0
  union all select * from tens4 where tens > 0
  union all select * from tens5 where tens > 0
  union all select * from tens6 where tens > 0),
shown as (
  select book, grouping(origin, destination, carrier, network, state, time) as face, day,
         coalesce(origin, '') as origin, coalesce(destination, '') as destination, coalesce(carrier, '') as carrier,
         coalesce(network, '') as network, coalesce(state, '') as state, coalesce(time, '') as time,
         sum(tens)::bigint as parcels
  from ten
  group by grouping sets (
    (book, day, carrier, network, state, time),
    (book, day, origin, destination),
    (book, day, origin, carrier, state),
    (book, day, destination, carrier, state),
    (book, day, origin, carrier, network, state, time),
    (book, day, destination, carrier, network, state, time),
    (book, day, origin, destination, carrier, network, state, time))),
before as (
  select s.book, face, s.day, origin, destination, carrier, network, state, time, parcels
  from page join flow_shown s
    on s.book = page.book and s.face in (0, 15, 16, 21, 32, 37, 48) and s.span = 1 and s.day = page.day),
change as (
  select book, face, day, origin, destination, carrier, network, state, time,
         coalesce(shown.parcels, 0) - coalesce(before.parcels, 0) as parcels
  from shown full join before using (book, face, day, origin, destination, carrier, network, state, time)),
spread as (
  select book, face, span, day - (day - %(first)s::date) %% span as day, origin, destination, carrier, network, state,
         time, sum(parcels)::bigint as parcels
  from change cross join unnest(%(spans)s::integer[]) as span
  where parcels <> 0 group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
fallen as (
  update flow_shown old set parcels = old.parcels + new.parcels from spread new
  where new.parcels < 0
    and (old.book, old.face, old.span, old.day) = (new.book, new.face, new.span, new.day)
    and (old.origin, old.destination, old.carrier, old.network, old.state, old.time)
      = (new.origin, new.destination, new.carrier, new.network, new.state, new.time))
insert into flow_shown (book, face, span, day, origin, destination, carrier, network, state, time, parcels)
select * from spread where parcels > 0 order by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
on conflict (book, face, span, day, origin, destination, carrier, network, state, time)
do update set parcels = flow_shown.parcels + excluded.parcels
"""
_DONE = """
with page as (select * from unnest(%(books)s::integer[], %(days)s::date[]) as named (book, day)),
withdrawn as (delete from flow_shown where parcels = 0),
emptied as (
  delete from flow_cell old using page where old.book = page.book and old.day = page.day and old.parcels = 0),
counted as (
  select book, day, count(*) as cells from page join flow_cell using (book, day) where parcels <> 0 group by book, day)
update flow_page set stale = false, shown_at = %(now)s, cells = coalesce(counted.cells, 0)
from page left join counted using (book, day)
where flow_page.book = page.book and flow_page.day = page.day
"""


def due_pages(conn: Connection, due: datetime) -> list[Page]:
    """Stale pages that were last cut when they are `due` or before, those that wait longest first: as many as one
    statement cuts, and one in any case. They are locked: what has changed on a page is added once."""
    rows = conn.execute(
        """
        select book, day from flow_page join (
          select book, day, sum(cells) over (order by shown_at, book, day) - cells as before
          from flow_page where stale and shown_at <= %(due)s) as waiting using (book, day)
        where before < %(cells)s and stale and shown_at <= %(due)s
        order by before limit %(pages)s
        for update of flow_page skip locked
        """,
        {"due": due, "cells": _CELLS_AT_ONCE, "pages": _PAGES_AT_ONCE},
    )
    return [(row["book"], row["day"]) for row in rows]


def cut(conn: Connection, pages: Sequence[Page], now: datetime) -> None:
    """What has changed on a page is changed in all spans of days that it is in. A cell that changes meanwhile makes its
    page stale again."""
    conn.execute("set local work_mem = '64MB'")
    conn.execute("set local jit = off")
    named = {"books": [book for book, _ in pages], "days": [day for _, day in pages]}
    # Planned for how many pages there are, not for a guess.
    conn.execute(_CUT, {**named, "spans": list(SPANS), "first": FIRST}, prepare=False)
    conn.execute(_DONE, {**named, "now": now}, prepare=False)
