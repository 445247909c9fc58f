"""SQL of the flows room: cutting pages into tens."""

from __future__ import annotations

from datetime import datetime

from vault_gateway.database import Connection

# Cells that are cut at once, where pages are small enough.
_CELLS_AT_ONCE = 50_000
_PAGES_AT_ONCE = 1_000

# What is left of the cells of one level (`parcels - tens`) makes the cells of the next. The faces are those of
# `asking.py`.
_CUT = """
with page as materialized (
  select book, day from (
    select book, day, sum(cells) over (order by shown_at, book, day) - cells as before
    from flow_page where stale and shown_at <= %(due)s) as waiting
  where before < %(cells)s order by before limit %(pages)s),
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
shown as materialized (
  select book, grouping(origin, destination, carrier, network, state, time) as face, day,
         coalesce(origin, '') as origin, coalesce(destination, '') as destination, coalesce(carrier, '') as carrier,
         coalesce(network, '') as network, coalesce(state, '') as state, coalesce(time, '') as time,
         sum(tens)::bigint as parcels
  from ten
  group by grouping sets (
    (book, day, carrier, network, state, time),
    (book, day, origin, destination),
    (book, day, origin, carrier, network, state),
    (book, day, destination, carrier, network, state),
    (book, day, origin, destination, carrier, network, state, time))),
withdrawn as (
  delete from flow_shown old using page
  where old.book = page.book and old.day = page.day and old.face in (0, 15, 17, 33, 48)
    and not exists (
      select from shown new
      where (new.book, new.face, new.day, new.origin, new.destination, new.carrier, new.network, new.state, new.time)
          = (old.book, old.face, old.day, old.origin, old.destination, old.carrier, old.network, old.state, old.time))),
written as (
  insert into flow_shown (book, face, day, origin, destination, carrier, network, state, time, parcels)
  select * from shown
  on conflict (book, face, day, origin, destination, carrier, network, state, time)
  do update set parcels = excluded.parcels where flow_shown.parcels <> excluded.parcels),
emptied as (
  delete from flow_cell old using page where old.book = page.book and old.day = page.day and old.parcels = 0),
marked as (
  update flow_page set stale = false, shown_at = %(now)s, cells = coalesce(counted.cells, 0)
  from page
  left join (select book, day, count(*) as cells from cells0 group by book, day) as counted using (book, day)
  where flow_page.book = page.book and flow_page.day = page.day)
select count(*) as pages from page
"""


def cut(conn: Connection, now: datetime, due: datetime) -> int:
    """Cuts stale pages that were last cut when they are `due` or before, those that wait longest first; returns how
    many. A cell that changes meanwhile makes its page stale again."""
    row = conn.execute(
        _CUT,
        {"now": now, "due": due, "cells": _CELLS_AT_ONCE, "pages": _PAGES_AT_ONCE},
        prepare=False,
    ).fetchone()
    return 0 if row is None else int(row["pages"])
