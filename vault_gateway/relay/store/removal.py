"""SQL of what is past its time: found over all tenants, removed behind the wall of each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from vault_gateway.database import Connection, Row

_REMOVAL_LOCK = 4711014


def lock(conn: Connection) -> bool:
    """One remover at a time, until the transaction ends."""
    row = conn.execute("select pg_try_advisory_xact_lock(%s) as mine", (_REMOVAL_LOCK,)).fetchone()
    return row is not None and bool(row["mine"])


def remove_calls(conn: Connection, before: datetime, at_most: int) -> int:
    """Calls that were connected before, with their records; none of which a failure was reported since."""
    cursor = conn.execute(
        """
        with gone as (
          delete from relay_call where (telecom, call_id) in (
            select telecom, call_id from relay_call
            where routed_at <= %(before)s and (failed_at is null or failed_at <= %(before)s)
            order by routed_at limit %(at_most)s)
          returning telecom, call_id
        ),
        records as (
          delete from relay_call_event e using gone where e.telecom = gone.telecom and e.call_id = gone.call_id
        )
        select from gone
        """,
        {"before": before, "at_most": at_most},
    )
    return cursor.rowcount


def bindings_rested(
    conn: Connection, before: datetime, after: tuple[datetime, UUID], at_most: int
) -> list[Row]:
    """`tenant_id, id, at, over`, by when their rest ended: a page behind the row `after`."""
    return conn.execute(
        "select * from relay_bindings_rested(%s, %s, %s, %s)", (before, *after, at_most)
    ).fetchall()


def exhausted_before(
    conn: Connection, before: datetime, after: tuple[datetime, UUID], at_most: int
) -> list[Row]:
    """The same for parcels that found no number, by when they looked for one last; `id` is the parcel's."""
    return conn.execute(
        "select * from relay_exhausted_before(%s, %s, %s, %s)", (before, *after, at_most)
    ).fetchall()


def remove_bindings(conn: Connection, tenant_id: UUID, ids: Sequence[UUID], before: datetime) -> int:
    cursor = conn.execute(
        "delete from relay_binding where tenant_id = %s and id = any (%s::uuid[]) and cool_until <= %s",
        (tenant_id, list(ids), before),
    )
    return cursor.rowcount


def remove_exhausted(conn: Connection, tenant_id: UUID, ids: Sequence[UUID], before: datetime) -> int:
    cursor = conn.execute(
        "delete from relay_exhausted where tenant_id = %s and waybill_id = any (%s::uuid[]) and at <= %s",
        (tenant_id, list(ids), before),
    )
    return cursor.rowcount
