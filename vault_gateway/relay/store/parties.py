"""SQL of the two ends of a pair: who they are, and which pairs stand between them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from vault_gateway.database import Connection
from vault_gateway.model import Tenant
from vault_gateway.relay.store.bindings import Phone
from vault_gateway.relay.store.calls import SealedPhone, phone_of


def ends_of(conn: Connection, binding_id: UUID) -> set[Phone]:
    """The phones that a binding reaches: two for a pair."""
    rows = conn.execute(
        "select phone_tenant, phone_token from relay_slot where binding_id = %s", (binding_id,)
    )
    return {Phone(row["phone_tenant"], row["phone_token"]) for row in rows}


def service_number_of(conn: Connection, tenant: Tenant) -> SealedPhone | None:
    row = conn.execute(
        "select phone_token from relay_service_number where tenant_id = %s", (tenant.id,)
    ).fetchone()
    return None if row is None else phone_of(conn, tenant, row["phone_token"])


def replace_service_number(conn: Connection, tenant_id: UUID, phone: UUID, now: datetime) -> UUID | None:
    """Stores the number; returns the one before."""
    row = conn.execute(
        "select phone_token from relay_service_number where tenant_id = %s for update", (tenant_id,)
    ).fetchone()
    conn.execute(
        """
        insert into relay_service_number values (%s, %s, %s)
        on conflict (tenant_id) do update set phone_token = excluded.phone_token, set_at = excluded.set_at
        """,
        (tenant_id, phone, now),
    )
    return None if row is None else UUID(str(row["phone_token"]))
