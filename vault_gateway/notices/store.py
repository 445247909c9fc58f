"""SQL of the notices room: a queue of messages that wait for a provider, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from vault_gateway.database import Connection, Row
from vault_gateway.model import Principal, Role

_COLUMNS = """
    id, tenant_id, waybill_id, waybill_no, carrier, template, language, params, principal, role, station, handle,
    state, reason, tries, created_at, updated_at
"""


@dataclass(frozen=True, slots=True)
class Notice:
    """`sender` is on whose behalf. `params` are None once the notice is over."""

    id: UUID
    tenant_id: UUID
    waybill_id: UUID
    waybill_no: str
    carrier: str
    template: str
    language: str
    params: Mapping[str, Any] | None
    sender: Principal
    state: str
    reason: str | None
    tries: int
    created_at: datetime
    updated_at: datetime


def insert_notice(conn: Connection, notice: Notice) -> None:
    conn.execute(
        f"""
        insert into notice ({_COLUMNS}, due_at)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (
            notice.id,
            notice.tenant_id,
            notice.waybill_id,
            notice.waybill_no,
            notice.carrier,
            notice.template,
            notice.language,
            Jsonb(notice.params),
            notice.sender.id,
            notice.sender.role.value,
            notice.sender.station,
            notice.sender.handle,
            notice.state,
            notice.reason,
            notice.tries,
            notice.created_at,
            notice.updated_at,
            notice.created_at,
        ),
    )


def get_notice(conn: Connection, notice_id: UUID) -> Notice | None:
    row = conn.execute(f"select {_COLUMNS} from notice where id = %s", (notice_id,)).fetchone()
    return None if row is None else _notice(row)


def count_of_waybill(conn: Connection, waybill_id: UUID) -> int:
    row = conn.execute(
        "select count(*)::int as notices from notice where waybill_id = %s", (waybill_id,)
    ).fetchone()
    return 0 if row is None else int(row["notices"])


def lease(conn: Connection, now: datetime, until: datetime) -> Notice | None:
    """Takes the notice that has been due for longest, for one try. Nobody else gets it before `until`, and
    whoever takes it then does so because this sender has died."""
    row = conn.execute(
        f"""
        update notice set tries = tries + 1, reason = null, due_at = %s, updated_at = %s
        where id = (select id from notice where state = 'queued' and due_at <= %s
                    order by due_at limit 1 for update skip locked)
        returning {_COLUMNS}
        """,
        (until, now, now),
    ).fetchone()
    return None if row is None else _notice(row)


def close(conn: Connection, notice: Notice, state: str, reason: str | None, now: datetime) -> bool:
    """`sent`, `cancelled` or `dead`. False when another sender has taken the notice since."""
    cursor = conn.execute(
        """
        update notice set state = %(state)s, reason = %(reason)s, updated_at = %(now)s,
          params = case when %(state)s = 'dead' then params end
        where id = %(id)s and state = 'queued' and tries = %(tries)s
        """,
        {"state": state, "reason": reason, "now": now, "id": notice.id, "tries": notice.tries},
    )
    return cursor.rowcount == 1


def put_off(conn: Connection, notice: Notice, reason: str, due_at: datetime, now: datetime) -> bool:
    """The next try is at `due_at`. False when another sender has taken the notice since."""
    cursor = conn.execute(
        """
        update notice set reason = %s, due_at = %s, updated_at = %s
        where id = %s and state = 'queued' and tries = %s
        """,
        (reason, due_at, now, notice.id, notice.tries),
    )
    return cursor.rowcount == 1


def list_dead(conn: Connection, limit: int) -> list[Notice]:
    """The oldest first."""
    rows = conn.execute(
        f"select {_COLUMNS} from notice where state = 'dead' order by id limit %s", (limit,)
    ).fetchall()
    return [_notice(row) for row in rows]


def revive(conn: Connection, notice_id: UUID, now: datetime) -> Notice | None:
    """A dead notice waits again, as if it were new; None where there is no dead one of this id."""
    row = conn.execute(
        f"""
        update notice set state = 'queued', reason = null, tries = 0, due_at = %s, updated_at = %s
        where id = %s and state = 'dead' returning {_COLUMNS}
        """,
        (now, now, notice_id),
    ).fetchone()
    return None if row is None else _notice(row)


def _notice(row: Row) -> Notice:
    sender = Principal(
        row["principal"],
        Role(row["role"]),
        carrier=row["carrier"],
        station=row["station"],
        handle=row["handle"],
    )
    names = ("id", "tenant_id", "waybill_id", "waybill_no", "carrier", "template", "language", "params")
    later = ("state", "reason", "tries", "created_at", "updated_at")
    return Notice(sender=sender, **{name: row[name] for name in (*names, *later)})
