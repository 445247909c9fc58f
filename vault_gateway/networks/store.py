"""SQL of granted segments, their blocks and what came back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from vault_gateway.database import Connection, Row

_GRANTING_LOCK = 4711010
_WAITING_LOCK = 4711015


@dataclass(frozen=True, slots=True)
class Account:
    """Whose numbers: all segments of a merchant with one network and carrier, of one branch or (None) of any."""

    tenant_id: UUID
    network: str
    carrier: str
    branch: str | None = None


def segments_of(conn: Connection, account: Account) -> list[Row]:
    """In the order in which they were granted."""
    return conn.execute(
        """
        select id, branch, first_no, first_serial, low_water, low_since from number_segment
        where tenant_id = %s and network = %s and carrier = %s and (%s::text is null or branch = %s) order by id
        """,
        (account.tenant_id, account.network, account.carrier, account.branch, account.branch),
    ).fetchall()


def lock_free_blocks(conn: Connection, tenant_id: UUID, segments: Sequence[UUID], limit: int) -> list[Row]:
    """The first blocks with numbers left that nobody else holds."""
    return conn.execute(
        """
        select segment_id, block, next, last from number_block
        where tenant_id = %s and segment_id = any(%s) and next <= last
        order by segment_id, block limit %s for update skip locked
        """,
        (tenant_id, list(segments), limit),
    ).fetchall()


def open_blocks(conn: Connection, tenant_id: UUID, segments: Sequence[UUID]) -> list[Row]:
    """In everybody's order, those that had numbers left when the last transaction ended that took from them."""
    return conn.execute(
        """
        select segment_id, block from number_block
        where tenant_id = %s and segment_id = any(%s) and next <= last order by segment_id, block
        """,
        (tenant_id, list(segments)),
    ).fetchall()


def lock_block(conn: Connection, tenant_id: UUID, block: Row) -> Row | None:
    """Waits for whoever holds it; None where nothing is left then (it is locked all the same)."""
    return conn.execute(
        """
        select segment_id, block, next, last from number_block
        where tenant_id = %s and segment_id = %s and block = %s and next <= last for update
        """,
        (tenant_id, block["segment_id"], block["block"]),
    ).fetchone()


def advance_block(conn: Connection, tenant_id: UUID, block: Row, next_: int) -> None:
    conn.execute(
        "update number_block set next = %s where tenant_id = %s and segment_id = %s and block = %s",
        (next_, tenant_id, block["segment_id"], block["block"]),
    )


def lock_waiting(conn: Connection, tenant_id: UUID) -> None:
    """One of a merchant at a time waits for what others hold."""
    conn.execute("select pg_advisory_xact_lock(hashtextextended(%s, %s))", (str(tenant_id), _WAITING_LOCK))


def take_returned(
    conn: Connection, tenant_id: UUID, segments: Sequence[UUID], limit: int, *, wait: bool
) -> list[tuple[UUID, int]]:
    """Those that nobody else takes at the moment, or all that are left when those who do have ended."""
    rows = conn.execute(
        f"""
        delete from number_returned r using (
          select segment_id, serial from number_returned
          where tenant_id = %s and segment_id = any(%s)
          order by segment_id, serial limit %s for update {"" if wait else "skip locked"}
        ) as free
        where r.tenant_id = %s and r.segment_id = free.segment_id and r.serial = free.serial
        returning r.segment_id, r.serial
        """,
        (tenant_id, list(segments), limit, tenant_id),
    )
    return sorted((row["segment_id"], row["serial"]) for row in rows)


def left_in(conn: Connection, tenant_id: UUID, segments: Sequence[UUID], at_most: int) -> int:
    """How many numbers are left; of those that came back no more than `at_most` are counted."""
    row = conn.execute(
        """
        select (select coalesce(sum(last - next + 1), 0) from number_block
                where tenant_id = %(tenant)s and segment_id = any(%(segments)s))
             + (select count(*) from (select from number_returned where tenant_id = %(tenant)s
                                      and segment_id = any(%(segments)s) limit %(at_most)s) as waiting) as left
        """,
        {"tenant": tenant_id, "segments": list(segments), "at_most": at_most},
    ).fetchone()
    assert row is not None
    return int(row["left"])


def note_low(conn: Connection, tenant_id: UUID, segment_id: UUID, now: datetime) -> bool:
    """True for the one who notes it first. Nobody waits for it: where somebody else has the row, the next one notes."""
    cursor = conn.execute(
        """
        update number_segment set low_since = %s where tenant_id = %s and id = (
          select id from number_segment where tenant_id = %s and id = %s and low_since is null
          for no key update skip locked)
        """,
        (now, tenant_id, tenant_id, segment_id),
    )
    return cursor.rowcount == 1


def clear_low(conn: Connection, tenant_id: UUID, segments: Sequence[UUID]) -> None:
    conn.execute(
        "update number_segment set low_since = null where tenant_id = %s and id = any(%s)",
        (tenant_id, list(segments)),
    )


def lock_branch(conn: Connection, account: Account) -> None:
    """Those who bring numbers to a branch go one by one: each needs to know what came before."""
    conn.execute(
        """
        select from number_segment where tenant_id = %s and network = %s and carrier = %s and branch = %s
        order by id for no key update
        """,
        (account.tenant_id, account.network, account.carrier, account.branch),
    )


def return_number(
    conn: Connection, tenant_id: UUID, segment_id: UUID, serial: int, *, comes_back: bool
) -> None:
    conn.execute(
        """
        update number_segment set cancelled = cancelled + 1, recycled = recycled + %s
        where tenant_id = %s and id = %s
        """,
        (int(comes_back), tenant_id, segment_id),
    )
    if comes_back:
        conn.execute("insert into number_returned values (%s, %s, %s)", (tenant_id, segment_id, serial))


def granted_at_all(conn: Connection, numbers: Sequence[str]) -> set[str]:
    """Those of `numbers` that lie in anybody's granted segment."""
    rows = conn.execute("select numbers_granted(%s::text[]) as number", (list(numbers),))
    return {row["number"] for row in rows}


def balances(conn: Connection, tenant_id: UUID | None = None, account: Account | None = None) -> list[Row]:
    """Each granted segment with how many of its numbers are available, issued (those that went out again count
    again), cancelled and recycled: of one account, of one merchant, or of all."""
    return conn.execute(
        """
        select t.platform, t.merchant, s.network, s.carrier, s.branch, s.first_no, s.last_no, s.granted_at,
               s.low_since, s.cancelled, s.recycled,
               fresh.left + waiting.left as available,
               s.last_serial - s.first_serial + 1 - fresh.left + s.recycled - waiting.left as issued
        from number_segment s
        join tenant t using (tenant_id)
        cross join lateral (select coalesce(sum(last - next + 1), 0)::bigint as left from number_block b
                            where b.tenant_id = s.tenant_id and b.segment_id = s.id) as fresh
        cross join lateral (select count(*) as left from number_returned r
                            where r.tenant_id = s.tenant_id and r.segment_id = s.id) as waiting
        where (%(tenant)s::uuid is null or s.tenant_id = %(tenant)s)
          and (%(network)s::text is null or s.network = %(network)s)
          and (%(carrier)s::text is null or s.carrier = %(carrier)s)
          and (%(branch)s::text is null or s.branch = %(branch)s)
        order by t.platform, t.merchant, s.network, s.carrier, s.id
        """,
        {
            "tenant": tenant_id,
            "network": account and account.network,
            "carrier": account and account.carrier,
            "branch": account and account.branch,
        },
        prepare=False,
    ).fetchall()


def lock_granting(conn: Connection) -> None:
    conn.execute("select pg_advisory_xact_lock(%s)", (_GRANTING_LOCK,))


def overlapping(conn: Connection, first_no: str, last_no: str) -> bool:
    """Is any number between these two granted to anybody?"""
    row = conn.execute(
        """
        select 1 from number_segment
        where length(first_no) = length(%(first)s) and first_no <= %(last)s and last_no >= %(first)s limit 1
        """,
        {"first": first_no, "last": last_no},
    ).fetchone()
    return row is not None


def in_use_between(conn: Connection, first_no: str, last_no: str) -> bool:
    """Has any number between these two been on a parcel?"""
    row = conn.execute(
        """
        select 1 from waybill_directory
        where waybill_no between %(first)s and %(last)s and length(waybill_no) = length(%(first)s)
          and waybill_no collate "C" between %(first)s and %(last)s limit 1
        """,
        {"first": first_no, "last": last_no},
    ).fetchone()
    return row is not None


def insert_segment(conn: Connection, segment: Row, blocks: Sequence[tuple[int, int]]) -> None:
    """`segment` by its columns; `blocks` are its first and last serials, in order."""
    conn.execute(
        """
        insert into number_segment (tenant_id, id, network, carrier, branch, first_no, last_no, first_serial,
                                    last_serial, low_water, granted_at)
        values (%(tenant_id)s, %(id)s, %(network)s, %(carrier)s, %(branch)s, %(first_no)s, %(last_no)s,
                %(first_serial)s, %(last_serial)s, %(low_water)s, %(granted_at)s)
        """,
        segment,
    )
    conn.cursor().executemany(
        "insert into number_block (tenant_id, segment_id, block, next, last) values (%s, %s, %s, %s, %s)",
        [(segment["tenant_id"], segment["id"], at, first, last) for at, (first, last) in enumerate(blocks)],
    )
