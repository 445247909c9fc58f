"""SQL of the tokens room. Every statement runs behind the wall of one tenant."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import LiteralString, NamedTuple
from uuid import UUID

from psycopg.rows import tuple_row

from vault_gateway import arrays
from vault_gateway.audit.store.events import Recording
from vault_gateway.database import Connection, Row
from vault_gateway.model import Kind, Origin
from vault_gateway.tokens.normalise import Normalised

WEEKS_AHEAD = 8

# A few tokens by their ids: each id leads to its partition as the plan is made. Many are joined: a list of them
# would be held against every partition.
_FEW, _MANY = "id = any(%(ids)b)", "id in (select unnest(%(ids)b::uuid[]))"
_A_FEW = 8

_VIEW = "id, kind, origin, order_ref, masked, region, created_at"


class NewTokens(NamedTuple):
    """A column each, all in one order. Of a ciphertext its key's version and its bytes."""

    ids: Sequence[UUID]
    kinds: Sequence[Kind]
    values: Sequence[Normalised]
    ciphertexts: Sequence[tuple[int, bytes]]
    blind_indexes: Sequence[bytes]


def insert_tokens(
    conn: Connection | Recording,
    tenant_id: UUID,
    new: NewTokens,
    *,
    origin: Origin,
    order_ref: str | None,
    event_id: UUID,
    now: datetime,
) -> None:
    """One statement for any number of rows, sent in binary: six times as fast as a statement a row."""
    conn.execute(
        """
        insert into token (tenant_id, id, kind, origin, order_ref, key_version, ciphertext, blind_index,
                           masked, last4, region, event_id, created_at)
        select %(tenant)b, t.id, t.kind, %(origin)b, %(order)b, t.key_version, t.ciphertext, t.blind_index,
               t.masked, t.last4, t.region::jsonb, %(event)b, %(now)b
        from unnest(%(id)b::uuid[], %(kind)b::text[], %(key_version)b::int[], %(ciphertext)b::bytea[],
                    %(blind_index)b::bytea[], %(masked)b::text[], %(last4)b::text[], %(region)b::text[])
          as t (id, kind, key_version, ciphertext, blind_index, masked, last4, region)
        """,
        {
            "tenant": tenant_id,
            "origin": origin.value,
            "order": order_ref,
            "event": event_id,
            "now": now,
            "id": arrays.uuids(new.ids),
            "kind": arrays.texts(new.kinds),
            "key_version": arrays.integers([version for version, _ in new.ciphertexts]),
            "ciphertext": arrays.blobs([data for _, data in new.ciphertexts]),
            "blind_index": arrays.digests(new.blind_indexes),
            "masked": arrays.texts([value.masked for value in new.values]),
            "last4": arrays.texts([value.last4 for value in new.values]),
            "region": arrays.documents([value.region for value in new.values]),
        },
    )


def find_views(conn: Connection, tenant_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Row]:
    """Masked views of the unerased among `ids`."""
    rows = conn.execute(
        f"select {_VIEW} from token where tenant_id = %(tenant)b and {_are(ids)} and erased_at is null",
        {"tenant": tenant_id, "ids": list(ids)},
        binary=True,
    ).fetchall()
    return {row["id"]: row for row in rows}


def find_masks(
    conn: Connection, tenant_id: UUID, ids: Sequence[UUID]
) -> list[tuple[UUID, str, str, dict[str, str] | None]]:
    """Id, kind, mask and region of the unerased among `ids`."""
    return (
        conn.cursor(row_factory=tuple_row)
        .execute(
            f"""
            select id, kind, masked, region from token
            where tenant_id = %(tenant)b and {_are(ids)} and erased_at is null
            """,
            {"tenant": tenant_id, "ids": list(ids)},
            binary=True,
        )
        .fetchall()
    )


def _are(ids: Sequence[UUID]) -> LiteralString:
    return _FEW if len(ids) <= _A_FEW else _MANY


def find_order(
    conn: Connection, tenant_id: UUID, order_ref: str, after: UUID | None, limit: int
) -> list[Row]:
    """Oldest first, as they were submitted."""
    return conn.execute(
        f"""
        select {_VIEW} from token
        where tenant_id = %s and order_ref = %s and erased_at is null and (%s::uuid is null or id > %s)
        order by id limit %s
        """,
        (tenant_id, order_ref, after, after, limit),
    ).fetchall()


def find_by_blind_index(
    conn: Connection, tenant_id: UUID, kind: Kind, blind_index: bytes, before: UUID | None, limit: int
) -> list[Row]:
    return conn.execute(
        f"""
        select {_VIEW} from token
        where tenant_id = %s and blind_index = %s and kind = %s and (%s::uuid is null or id < %s)
        order by id desc limit %s
        """,
        (tenant_id, blind_index, kind.value, before, before, limit),
    ).fetchall()


def find_by_last4(
    conn: Connection, tenant_id: UUID, last4: str, before: UUID | None, limit: int
) -> list[Row]:
    return conn.execute(
        f"""
        select {_VIEW} from token
        where tenant_id = %s and last4 = %s and (%s::uuid is null or id < %s)
        order by id desc limit %s
        """,
        (tenant_id, last4, before, before, limit),
    ).fetchall()


def blind_indexes_of(
    conn: Connection, tenant_id: UUID, ids: Sequence[UUID]
) -> dict[UUID, tuple[Kind, bytes]]:
    rows = conn.execute(
        f"""
        select id, kind, blind_index from token
        where tenant_id = %(tenant)s and {_are(ids)} and erased_at is null
        """,
        {"tenant": tenant_id, "ids": list(ids)},
    )
    return {row["id"]: (Kind(row["kind"]), row["blind_index"]) for row in rows}


def sealed_values(
    conn: Connection, tenant_id: UUID, ids: Sequence[UUID], *, lock: bool = False
) -> dict[UUID, Row]:
    """Ciphertexts of the unerased among `ids`; with `lock`, the rows stay as they are until the transaction
    ends, so that a life-long count of a token is exact."""
    rows = conn.execute(
        f"""
        select id, kind, key_version, ciphertext, region from token
        where tenant_id = %(tenant)s and {_are(ids)} and erased_at is null
        order by id
        """
        + ("for no key update" if lock else ""),
        {"tenant": tenant_id, "ids": list(ids)},
        binary=True,
    )
    return {row["id"]: row for row in rows}


def erase(conn: Connection, tenant_id: UUID, token_id: UUID, now: datetime) -> bool:
    cursor = conn.execute(
        """
        update token
        set erased_at = %s, ciphertext = null, key_version = null, blind_index = null, masked = null, last4 = null,
            region = null
        where tenant_id = %s and id = %s and erased_at is null
        """,
        (now, tenant_id, token_id),
    )
    return cursor.rowcount == 1


def reserve_miss(conn: Connection, tenant_id: UUID, day: date, quota: int) -> bool:
    """Counts one missed search before it is made; False when the day's quota is used up. Exact under any
    concurrency: the row's lock orders the searches of a merchant. Days only go forward, so that two nodes whose
    clocks differ at midnight do not give the quota out twice."""
    row = conn.execute(
        """
        insert into search_miss (tenant_id, day, misses) values (%s, %s, 1)
        on conflict (tenant_id) do update
        set day = greatest(search_miss.day, excluded.day),
            misses = case when excluded.day > search_miss.day then 1 else search_miss.misses + 1 end
        where excluded.day > search_miss.day or search_miss.misses < %s
        returning misses
        """,
        (tenant_id, day, quota),
    ).fetchone()
    return row is not None


def give_miss_back(conn: Connection, tenant_id: UUID) -> None:
    """For a search that found something, in the transaction that reserved it."""
    conn.execute("update search_miss set misses = misses - 1 where tenant_id = %s", (tenant_id,))


def keep_partitions_ahead(conn: Connection) -> None:
    """Makes the partitions of the weeks to come that are not there yet."""
    conn.execute("select ensure_token_partitions(%s)", (WEEKS_AHEAD,))
