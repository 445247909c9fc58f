"""Days of flows are closed when they are past their time, and what was shown of them leaves later.

A day is closed when what its parcels were counted by is gone, and then the exact counts. A parcel that still moves is
counted where it was: what is shown stays as it is. It leaves by whole spans, so that no sum holds a part of one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from uuid import UUID

from vault_gateway.database import Connection, enter_tenant, patiently
from vault_gateway.flows.spans import FIRST, SPANS
from vault_gateway.flows.store import alone
from vault_gateway.model import Clock
from vault_gateway.retention import FlowsKept

BATCH = 1000
# What one book showed in as many days as the longest span has.
_LONGEST_S = 60
# Whoever counted a parcel before it was removed has ended by then.
_WITHOUT_PARCELS = timedelta(days=1)


def remove_old(conn: Connection, kept: FlowsKept, clock: Clock, *, batch: int = BATCH) -> dict[str, int]:
    """All that is due now, a short transaction at a time: how many parcels were no longer counted, how many pages (a
    day of a book) lost their exact counts, and how many books lost what they showed. Less where somebody else folds,
    shows or removes at the moment: the rest is for the next time."""
    today = clock().date()
    closed, shown_until = today - kept.counted, today - kept.shown
    # The first day that still stands: spans begin where the longest do.
    begins = shown_until - timedelta(days=(shown_until - FIRST).days % SPANS[-1])
    return {
        "parcels": _all(conn, lambda: _parcels(conn, closed, batch), batch),
        "pages": _all(conn, lambda: _pages(conn, closed - _WITHOUT_PARCELS, batch), batch),
        "books": _all(conn, lambda: _shown(conn, begins), 1),
    }


def _all(conn: Connection, remove: Callable[[], int], batch: int) -> int:
    """Until fewer than a batch are left."""
    removed = 0
    while True:
        with patiently(conn, _LONGEST_S):
            count = remove() if alone(conn) else 0
        removed += count
        if count < batch:
            return removed


def _parcels(conn: Connection, until: date, at_most: int) -> int:
    rows = conn.execute("select * from flow_parcels_until(%s, %s)", (until, at_most)).fetchall()
    by_tenant: dict[UUID, list[UUID]] = {}
    for row in rows:
        by_tenant.setdefault(row["tenant_id"], []).append(row["waybill_id"])
    for tenant_id, ids in by_tenant.items():
        enter_tenant(conn, tenant_id)
        conn.execute(
            "delete from flow_parcel where tenant_id = %s and waybill_id = any(%s)", (tenant_id, ids)
        )
    return len(rows)


def _pages(conn: Connection, until: date, at_most: int) -> int:
    """Exact counts of days of which no parcel is counted any more, and all that was is folded and shown."""
    cursor = conn.execute(
        """
        with closed as (
          delete from flow_page where (book, day) in (
            select book, day from flow_page p
            where day <= %(until)s and not stale
              and not exists (select from flow_parcels_until(%(until)s, 1))
              and not exists (select from flow_delta d where d.day = p.day)
            order by day, book limit %(at_most)s)
          returning book, day),
        uncounted as (delete from flow_cell c using closed where (c.book, c.day) = (closed.book, closed.day))
        select from closed
        """,
        {"until": until, "at_most": at_most},
    )
    return cursor.rowcount


def _shown(conn: Connection, before: date) -> int:
    """What one book showed of days before, none of which is counted any more."""
    cursor = conn.execute(
        """
        with book as (
          select id from flow_book b
          where exists (
              select from flow_shown s where s.book = b.id and s.face = 0 and s.span = 1 and s.day < %(before)s)
            and not exists (select from flow_page p where p.book = b.id and p.day < %(before)s)
          order by id limit 1),
        gone as (delete from flow_shown s using book where s.book = book.id and s.day < %(before)s)
        select from book
        """,
        {"before": before},
    )
    return cursor.rowcount
