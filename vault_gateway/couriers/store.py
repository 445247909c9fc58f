"""SQL of the couriers room: what a courier did on a day, and its suspension."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from vault_gateway.database import Connection, Row


@dataclass(frozen=True, slots=True)
class Day:
    """A courier's day so far; `recipients` and `denials` since a suspension was last lifted."""

    reveals: int
    recipients: int
    denials: int
    suspended: bool


def count_reveal(conn: Connection, carrier: str, handle: str, day: date, *, new_recipient: bool) -> Day:
    return _count(conn, carrier, handle, day, reveals=1, recipients=int(new_recipient), denials=0)


def count_denial(conn: Connection, carrier: str, handle: str, day: date) -> Day:
    return _count(conn, carrier, handle, day, reveals=0, recipients=0, denials=1)


def _count(
    conn: Connection, carrier: str, handle: str, day: date, *, reveals: int, recipients: int, denials: int
) -> Day:
    row = conn.execute(
        """
        insert into courier_day as d (carrier, handle, day, reveals, recipients, denials)
        values (%(carrier)s, %(handle)s, %(day)s, %(reveals)s, %(recipients)s, %(denials)s)
        on conflict (carrier, handle, day) do update
        set reveals = d.reveals + excluded.reveals, recipients = d.recipients + excluded.recipients,
            denials = d.denials + excluded.denials
        returning d.reveals, d.recipients - d.seen_recipients as recipients, d.denials - d.seen_denials as denials,
          exists (select from courier c where c.carrier = d.carrier and c.handle = d.handle
                  and c.suspended_at is not null) as suspended
        """,
        {
            "carrier": carrier,
            "handle": handle,
            "day": day,
            "reveals": reveals,
            "recipients": recipients,
            "denials": denials,
        },
    ).fetchone()
    assert row is not None, "it inserts or updates"
    return Day(**row)


def recount_reveals(
    conn: Connection, carrier: str, handle: str, day: date, begins: datetime, settled: datetime
) -> int:
    """The day's reveals without those that ended undisclosed before `settled`. The day's row is ours until the
    transaction ends, so that nobody else's grant is under way."""
    row = conn.execute(
        """
        update courier_day set reveals = reveals_of_holder(%(carrier)s, %(handle)s, %(begins)s, %(settled)s)
        where carrier = %(carrier)s and handle = %(handle)s and day = %(day)s
        returning reveals
        """,
        {"carrier": carrier, "handle": handle, "day": day, "begins": begins, "settled": settled},
    ).fetchone()
    assert row is not None, "it was counted in this transaction"
    return int(row["reveals"])


def earlier_days(conn: Connection, carrier: str, handle: str, day: date, count: int) -> list[Row]:
    """`recipients` and `denials` of its last days with work before `day`, at most `count`."""
    return conn.execute(
        """
        select recipients, denials from courier_day
        where carrier = %s and handle = %s and day < %s and reveals > 0
        order by day desc limit %s
        """,
        (carrier, handle, day, count),
    ).fetchall()


def suspend(conn: Connection, carrier: str, handle: str, reason: str, now: datetime) -> bool:
    """False when it was suspended before."""
    cursor = conn.execute(
        """
        update courier set suspended_at = %s, suspended_for = %s
        where carrier = %s and handle = %s and suspended_at is null
        """,
        (now, reason, carrier, handle),
    )
    return cursor.rowcount == 1


def resume(conn: Connection, carrier: str, handle: str, day: date) -> bool | None:
    """False when it is not suspended, None when there is no such courier. What it did today was seen."""
    conn.execute(
        """
        update courier_day set seen_recipients = recipients, seen_denials = denials
        where carrier = %s and handle = %s and day = %s
        """,
        (carrier, handle, day),
    )
    row = conn.execute(
        """
        update courier c set suspended_at = null, suspended_for = null
        from (select carrier, handle, suspended_at from courier
              where carrier = %s and handle = %s and removed_at is null for update) as before
        where c.carrier = before.carrier and c.handle = before.handle
        returning before.suspended_at is not null as was_suspended
        """,
        (carrier, handle),
    ).fetchone()
    return None if row is None else bool(row["was_suspended"])


def forget_days(conn: Connection, before: date) -> None:
    conn.execute("delete from courier_day where day < %s", (before,))


def list_couriers(
    conn: Connection, carrier: str | None, *, suspended: bool | None, after: tuple[str, str], limit: int
) -> list[Row]:
    """By carrier and handle, those after this one; None stands for any. Who was removed is there no more."""
    return conn.execute(
        """
        select carrier, handle, station, suspended_at, suspended_for from courier
        where removed_at is null and (%(carrier)s::text is null or carrier = %(carrier)s)
          and (carrier, handle) > (%(after_carrier)s, %(after_handle)s)
          and (%(suspended)s::boolean is null or (suspended_at is not null) = %(suspended)s)
        order by carrier, handle limit %(limit)s
        """,
        {
            "carrier": carrier,
            "suspended": suspended,
            "after_carrier": after[0],
            "after_handle": after[1],
            "limit": limit,
        },
    ).fetchall()
