"""SQL of the reveals room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from vault_gateway.audit.store.events import Recording
from vault_gateway.database import LOCKING, Connection, Lock, Row
from vault_gateway.model import Tenant
from vault_gateway.reveals.machine import Grant, State
from vault_gateway.waybills.store.orders import further_orders, orders_of

_COLUMNS = f"""
    id, waybill_id, waybill_no, order_ref, carrier, holder, principal, purpose, fields, tokens, state,
    public_key, released, ack_digests, issued_at, expires_at, claimed_at, first_released_at,
    case when purpose = 'break_glass' then (
      select b.issuer from break_glass b where b.tenant_id = reveal_grant.tenant_id and b.id = reveal_grant.id
    ) end as issuer,
    {further_orders("reveal_grant", "waybill_id")}
"""


@dataclass(frozen=True, slots=True)
class Located:
    """Where a reveal is: found over all tenants, before the wall of one is opened."""

    reveal_id: UUID
    tenant: Tenant
    waybill_id: UUID | None


def insert_grant(conn: Connection, tenant_id: UUID, grant: Grant) -> None:
    conn.execute(
        """
        with named as (
          insert into reveal_token (tenant_id, token, reveal_id)
          select %(tenant)s, token, %(id)s from unnest(%(tokens)s::uuid[]) as token)
        insert into reveal_grant (tenant_id, id, waybill_id, waybill_no, order_ref, carrier, holder, principal, purpose,
                                  fields, tokens, state, public_key, issued_at, expires_at, claimed_at)
        values (%(tenant)s, %(id)s, %(waybill_id)s, %(waybill_no)s, %(order_ref)s, %(carrier)s, %(holder)s,
                %(principal)s, %(purpose)s, %(fields)s, %(tokens)s, %(state)s, %(public_key)s, %(issued_at)s,
                %(expires_at)s, %(claimed_at)s)
        """,
        {
            "tenant": tenant_id,
            "id": grant.id,
            "waybill_id": grant.waybill_id,
            "waybill_no": grant.waybill_no,
            "order_ref": next(iter(grant.orders), None),
            "carrier": grant.carrier,
            "holder": grant.holder,
            "principal": grant.principal,
            "purpose": grant.purpose,
            "fields": list(grant.fields),
            "tokens": list(grant.tokens),
            "state": grant.state.value,
            "public_key": grant.public_key,
            "issued_at": grant.issued_at,
            "expires_at": grant.expires_at,
            "claimed_at": grant.claimed_at,
        },
    )


def enter_reveal(conn: Connection, reveal_id: UUID) -> Located | None:
    """Where a reveal is, its tenant entered in the same step; nobody's where there is none."""
    row = conn.execute(
        """
        select platform, merchant, waybill_id,
          set_config('app.tenant', coalesce(tenant_id, '00000000-0000-0000-0000-000000000000')::text, true)
        from (values (%s::uuid)) as asked (id) left join lateral locate_reveal(id) on true
        """,
        (reveal_id,),
    ).fetchone()
    if row is None or row["platform"] is None:
        return None
    return Located(reveal_id, Tenant(row["platform"], row["merchant"]), row["waybill_id"])


def get_grant(conn: Connection, tenant_id: UUID, reveal_id: UUID, *, lock: Lock) -> Grant:
    """A grant that `enter_reveal` found, as it is once nobody else is changing it."""
    found = find_grant(conn, tenant_id, reveal_id, lock=lock)
    assert found is not None, "grants are never removed"
    return found


def find_grant(conn: Connection, tenant_id: UUID, reveal_id: UUID, *, lock: Lock) -> Grant | None:
    row = conn.execute(
        f"select {_COLUMNS} from reveal_grant where tenant_id = %s and id = %s {LOCKING[lock]}",
        (tenant_id, reveal_id),
        binary=True,
    ).fetchone()
    return None if row is None else _grant(row)


def grants_of_waybill(conn: Connection, tenant_id: UUID, waybill_id: UUID) -> list[Grant]:
    """All that were ever issued, locked against a release until the transaction ends."""
    rows = conn.execute(
        f"select {_COLUMNS} from reveal_grant where tenant_id = %s and waybill_id = %s order by id for share",
        (tenant_id, waybill_id),
        binary=True,
    )
    return [_grant(row) for row in rows]


def grants_of_tokens(conn: Connection, tenant_id: UUID, tokens: Sequence[UUID]) -> dict[UUID, list[Grant]]:
    """All that ever named each of `tokens`, locked against a release until the transaction ends."""
    rows = conn.execute(
        f"""
        select {_COLUMNS}, reveal_token.token as named from reveal_token
        join reveal_grant
          on reveal_grant.tenant_id = reveal_token.tenant_id and reveal_grant.id = reveal_token.reveal_id
        where reveal_token.tenant_id = %s and reveal_token.token = any (%s)
        order by reveal_grant.id for share of reveal_grant
        """,
        (tenant_id, list(tokens)),
        binary=True,
    )
    found: dict[UUID, list[Grant]] = {token: [] for token in tokens}
    for row in rows:
        found[row["named"]].append(_grant(row))
    return found


def mark_claimed(
    recording: Recording, tenant_id: UUID, reveal_id: UUID, public_key: bytes | None, now: datetime
) -> None:
    recording.execute(
        """
        update reveal_grant
        set state = 'claimed', public_key = %(public_key)s, claimed_at = coalesce(claimed_at, %(now)s)
        where tenant_id = %(tenant)s and id = %(id)s
        """,
        {"tenant": tenant_id, "id": reveal_id, "public_key": public_key, "now": now},
    )


def count_release(
    recording: Recording, tenant_id: UUID, reveal_id: UUID, *, ack_digest: bytes, now: datetime
) -> None:
    recording.execute(
        """
        update reveal_grant
        set released = released + 1, ack_digests = ack_digests || %(ack_digest)s::bytea,
            first_released_at = coalesce(first_released_at, %(now)s)
        where tenant_id = %(tenant)s and id = %(id)s
        """,
        {"tenant": tenant_id, "id": reveal_id, "ack_digest": ack_digest, "now": now},
    )


def close(recording: Recording, tenant_id: UUID, reveal_id: UUID, state: State, now: datetime) -> None:
    recording.execute(
        "update reveal_grant set state = %(state)s, closed_at = %(now)s where tenant_id = %(tenant)s and id = %(id)s",
        {"tenant": tenant_id, "id": reveal_id, "state": state.value, "now": now},
    )


def reveals_of_merchant(
    conn: Connection, tenant_id: UUID, purpose: str, begins: datetime, settled: datetime
) -> int:
    """Since `begins`, without what ended undisclosed before `settled`."""
    row = conn.execute(
        """
        select count(*) as count from reveal_grant
        where tenant_id = %s and purpose = %s and issued_at >= %s
          and (released > 0 or (state <> 'revoked' and expires_at > %s))
        """,
        (tenant_id, purpose, begins, settled),
    ).fetchone()
    assert row is not None, "an aggregate has a row"
    return int(row["count"])


def _grant(row: Row) -> Grant:
    return Grant(
        id=row["id"],
        waybill_id=row["waybill_id"],
        waybill_no=row["waybill_no"],
        orders=orders_of(row),
        carrier=row["carrier"],
        holder=row["holder"],
        principal=row["principal"],
        purpose=row["purpose"],
        fields=tuple(row["fields"]),
        tokens=tuple(row["tokens"]),
        state=State(row["state"]),
        public_key=row["public_key"],
        released=row["released"],
        ack_digests=tuple(row["ack_digests"]),
        issued_at=row["issued_at"],
        expires_at=row["expires_at"],
        claimed_at=row["claimed_at"],
        first_released_at=row["first_released_at"],
        issuer=row["issuer"],
    )
