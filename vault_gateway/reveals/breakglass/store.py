"""SQL of break-glass requests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from vault_gateway.database import LOCKING, Connection, Lock, Row
from vault_gateway.model import Tenant
from vault_gateway.reveals.breakglass.requests import Part, Request
from vault_gateway.waybills.store.orders import further_orders, orders_of


@dataclass(frozen=True, slots=True)
class Located:
    """Where a request is: found over all tenants, before the wall of one is opened."""

    request_id: UUID
    tenant: Tenant
    waybill_id: UUID | None


def locate_token(conn: Connection, token_id: UUID) -> Tenant | None:
    """Whose an unerased token is."""
    row = conn.execute("select platform, merchant from locate_token(%s)", (token_id,)).fetchone()
    return None if row is None else Tenant(row["platform"], row["merchant"])


def locate_request(conn: Connection, request_id: UUID) -> Located | None:
    row = conn.execute(
        "select platform, merchant, waybill_id from locate_break_glass(%s)", (request_id,)
    ).fetchone()
    if row is None:
        return None
    return Located(request_id, Tenant(row["platform"], row["merchant"]), row["waybill_id"])


def find_requests(
    conn: Connection,
    *,
    issuer: str | None,
    platform: str | None,
    merchant: str | None,
    before: UUID | None,
    limit: int,
) -> list[tuple[UUID, Tenant]]:
    """Newest first; None stands for any."""
    rows = conn.execute(
        "select id, platform, merchant from find_break_glass(%s, %s, %s, %s, %s)",
        (issuer, platform, merchant, before, limit),
    )
    return [(row["id"], Tenant(row["platform"], row["merchant"])) for row in rows]


def insert_request(conn: Connection, tenant_id: UUID, request: Request) -> None:
    conn.execute(
        """
        insert into break_glass (tenant_id, id, waybill_id, waybill_no, order_ref, carrier, token, issuer,
                                 requester, requester_jti, reason, requested_at, expires_at)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (
            tenant_id,
            request.id,
            request.waybill_id,
            request.waybill_no,
            next(iter(request.orders), None),
            request.carrier,
            request.token,
            request.issuer,
            request.requester.principal,
            request.requester.jti,
            request.requester.reason,
            request.requester.at,
            request.expires_at,
        ),
    )


def get_request(conn: Connection, tenant_id: UUID, request_id: UUID, *, lock: Lock = None) -> Request:
    """One that `locate_request` found; with a lock as it is once nobody else is approving it."""
    found = find_request(conn, tenant_id, request_id, lock=lock)
    assert found is not None, "requests are never removed"
    return found


def find_request(conn: Connection, tenant_id: UUID, request_id: UUID, *, lock: Lock = None) -> Request | None:
    row = conn.execute(
        f"""
        select break_glass.*, {further_orders("break_glass", "waybill_id")}
        from break_glass where tenant_id = %s and id = %s {LOCKING[lock]}
        """,
        (tenant_id, request_id),
    ).fetchone()
    return None if row is None else _request(row)


def approve(conn: Connection, tenant_id: UUID, request_id: UUID, approver: Part) -> None:
    conn.execute(
        """
        update break_glass set approver = %s, approver_jti = %s, approver_reason = %s, approved_at = %s
        where tenant_id = %s and id = %s
        """,
        (approver.principal, approver.jti, approver.reason, approver.at, tenant_id, request_id),
    )


def take_part(conn: Connection, principal: str, day: date, quota: int) -> bool:
    """Counts that a person asks or approves; False when the day's quota is used up. Exact under any concurrency:
    the row's lock orders what one person does. Days only go forward."""
    row = conn.execute(
        """
        insert into break_glass_quota as q (principal, day, used) values (%s, %s, 1)
        on conflict (principal) do update
        set day = greatest(q.day, excluded.day), used = case when excluded.day > q.day then 1 else q.used + 1 end
        where excluded.day > q.day or q.used < %s
        returning used
        """,
        (principal, day, quota),
    ).fetchone()
    return row is not None


def _request(row: Row) -> Request:
    approver = None
    if row["approver"] is not None:
        approver = Part(row["approver"], row["approver_jti"], row["approver_reason"], row["approved_at"])
    return Request(
        id=row["id"],
        waybill_id=row["waybill_id"],
        waybill_no=row["waybill_no"],
        orders=orders_of(row),
        carrier=row["carrier"],
        token=row["token"],
        issuer=row["issuer"],
        requester=Part(row["requester"], row["requester_jti"], row["reason"], row["requested_at"]),
        expires_at=row["expires_at"],
        approver=approver,
    )
