"""SQL of the webhooks room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from vault_gateway.database import Connection, Row
from vault_gateway.model import Tenant

# What was given up is kept so long, for its owner to see that there was something.
DEAD_KEPT = timedelta(days=7)
# One at a time may try an address that failed last, for so long.
_PROBE = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Owner:
    """A merchant, or with `merchant` None a platform."""

    platform: str
    merchant: str | None


@dataclass(frozen=True, slots=True)
class Told:
    """An event of a parcel as it is sent. `body` is JSON, the same bytes at each try."""

    event_id: UUID
    waybill_id: UUID
    type: str
    body: str


@dataclass(frozen=True, slots=True)
class Due:
    """One try of one event: `attempts` counts it already."""

    seq: int
    webhook_id: UUID
    event_id: UUID
    url: str
    body: str
    attempts: int
    failures: int
    created_at: datetime


def insert_webhook(
    conn: Connection,
    webhook_id: UUID,
    owner: Owner,
    url: str,
    events: Sequence[str] | None,
    now: datetime,
    *,
    most: int,
) -> bool:
    """False where the owner has as many as one may have. Two requests of one owner wait for one another."""
    conn.execute(
        "select pg_advisory_xact_lock(hashtextextended(%s, 4712))",
        (f"{owner.platform}/{owner.merchant or ''}",),
    )
    cursor = conn.execute(
        """
        insert into webhook (id, platform, merchant, url, events, created_at)
        select %(id)s, %(platform)s, %(merchant)s, %(url)s, %(events)s, %(now)s
        where (select count(*) from webhook
               where platform = %(platform)s and merchant is not distinct from %(merchant)s
                 and removed_at is null) < %(most)s
        """,
        {
            "id": webhook_id,
            "platform": owner.platform,
            "merchant": owner.merchant,
            "url": url,
            "events": None if events is None else list(events),
            "now": now,
            "most": most,
        },
    )
    return cursor.rowcount == 1


def list_webhooks(conn: Connection, owner: Owner) -> list[Row]:
    return conn.execute(
        """
        select id, url, events, created_at,
               (select count(*) from webhook_outbox o where o.webhook_id = webhook.id and dead_at is null) as waiting,
               (select count(*) from webhook_outbox o where o.webhook_id = webhook.id and dead_at is not null) as dead
        from webhook
        where platform = %s and merchant is not distinct from %s and removed_at is null
        order by id
        """,
        (owner.platform, owner.merchant),
    ).fetchall()


def get_webhook(conn: Connection, webhook_id: UUID) -> Row | None:
    return conn.execute(
        "select id, url, events, created_at from webhook where id = %s", (webhook_id,)
    ).fetchone()


def remove_webhook(conn: Connection, owner: Owner, webhook_id: UUID, now: datetime) -> bool:
    """False for one that is not there or not the owner's. What waits for it is dropped by `tidy`."""
    cursor = conn.execute(
        """
        update webhook set removed_at = %s
        where id = %s and platform = %s and merchant is not distinct from %s and removed_at is null
        """,
        (now, webhook_id, owner.platform, owner.merchant),
    )
    return cursor.rowcount == 1


def anybody_listens(conn: Connection, tenant: Tenant) -> bool:
    row = conn.execute(
        """
        select from webhook
        where platform = %s and (merchant is null or merchant = %s) and removed_at is null limit 1
        """,
        (tenant.platform, tenant.merchant),
    ).fetchone()
    return row is not None


def put(conn: Connection, tenant: Tenant, told: Sequence[Told], now: datetime) -> None:
    """Lets events wait for whoever wants them, in the transaction at hand."""
    conn.execute(
        """
        insert into webhook_outbox (webhook_id, event_id, waybill_id, body, created_at, next_at)
        select w.id, t.event_id, t.waybill_id, t.body, %(now)s, %(now)s
        from webhook w
        cross join unnest(%(events)s::uuid[], %(waybills)s::uuid[], %(types)s::text[], %(bodies)s::text[])
          as t (event_id, waybill_id, type, body)
        where w.platform = %(platform)s and (w.merchant is null or w.merchant = %(merchant)s)
          and w.removed_at is null and (w.events is null or t.type = any (w.events))
        """,
        {
            "platform": tenant.platform,
            "merchant": tenant.merchant,
            "events": [one.event_id for one in told],
            "waybills": [one.waybill_id for one in told],
            "types": [one.type for one in told],
            "bodies": [one.body for one in told],
            "now": now,
        },
    )


def claim(conn: Connection, now: datetime, lease: timedelta) -> Due | None:
    """The next event to send, of any webhook: the oldest of its parcel, so that the order is kept. It is this
    caller's until the lease ends, whatever becomes of the caller. A webhook that failed rests as a whole."""
    with conn.transaction():
        row = conn.execute(
            """
            with chosen as (
              select o.seq, w.id, w.url, w.failures
              from (select id, url, failures from webhook
                    where removed_at is null and rest_until <= %(now)s order by random()) w
              cross join lateral (
                select seq from webhook_outbox o
                where o.webhook_id = w.id and o.dead_at is null and o.next_at <= %(now)s
                  and not exists (
                    select from webhook_outbox earlier
                    where earlier.webhook_id = o.webhook_id and earlier.waybill_id = o.waybill_id
                      and earlier.dead_at is null and earlier.seq < o.seq)
                order by o.next_at, o.seq limit 1 for update of o skip locked) o
              limit 1)
            update webhook_outbox o set attempts = attempts + 1, next_at = %(until)s
            from chosen where o.seq = chosen.seq
            returning o.seq, o.webhook_id, o.event_id, o.body, o.attempts, o.created_at, chosen.url, chosen.failures
            """,
            {"now": now, "until": now + lease},
        ).fetchone()
        if row is None:
            return None
        if row["failures"]:
            conn.execute(
                "update webhook set rest_until = %s where id = %s", (now + _PROBE, row["webhook_id"])
            )
    return Due(**row)


def taken(conn: Connection, due: Due) -> None:
    with conn.transaction():
        conn.execute("delete from webhook_outbox where seq = %s and attempts = %s", (due.seq, due.attempts))
        conn.execute(
            "update webhook set failures = 0, rest_until = '-infinity' where id = %s and failures > 0",
            (due.webhook_id,),
        )


def not_taken(conn: Connection, due: Due, *, next_at: datetime, rest_until: datetime) -> None:
    with conn.transaction():
        _put_off(conn, due, next_at, None)
        conn.execute(
            "update webhook set failures = failures + 1, rest_until = %s where id = %s",
            (rest_until, due.webhook_id),
        )


def put_back(conn: Connection, due: Due, next_at: datetime) -> None:
    """For a reason of ours: nobody was called."""
    _put_off(conn, due, next_at, None)


def give_up(conn: Connection, due: Due, now: datetime) -> None:
    _put_off(conn, due, now, now)


def _put_off(conn: Connection, due: Due, next_at: datetime, dead_at: datetime | None) -> None:
    """Only by whoever tried last."""
    conn.execute(
        "update webhook_outbox set next_at = %s, dead_at = %s where seq = %s and attempts = %s",
        (next_at, dead_at, due.seq, due.attempts),
    )


def tidy(conn: Connection, now: datetime) -> None:
    """Drops what nobody waits for any more."""
    conn.execute(
        """
        delete from webhook_outbox where seq in (
          select seq from webhook_outbox
          where dead_at < %s or webhook_id in (select id from webhook where removed_at is not null)
          limit 10000)
        """,
        (now - DEAD_KEPT,),
    )
