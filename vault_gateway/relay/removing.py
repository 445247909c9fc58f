"""Records of relay numbers leave when they are past their time, a short transaction at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from uuid import UUID

from vault_gateway import metrics
from vault_gateway.database import Connection, Row, enter_tenant
from vault_gateway.model import Clock
from vault_gateway.relay.store import removal
from vault_gateway.retention import Kept

BATCH = 1000
_Find = Callable[[Connection, datetime, tuple[datetime, UUID], int], list[Row]]
_Remove = Callable[[Connection, UUID, Sequence[UUID], datetime], int]
_BEGINNING = (datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0))


def remove_old(conn: Connection, kept: Kept, clock: Clock, *, batch: int = BATCH) -> dict[str, int]:
    """All that is due now: how many calls, bindings and notes of an empty pool that were. Less where another remover is
    at work, who will see to the rest."""
    now = clock()
    removed = {
        "calls": _calls(conn, now - kept.calls, batch),
        "bindings": _walk(conn, now - kept.bindings, batch, removal.bindings_rested, removal.remove_bindings),
        "exhausted": _walk(
            conn, now - kept.exhausted, batch, removal.exhausted_before, removal.remove_exhausted
        ),
    }
    for what, count in removed.items():
        metrics.RELAY_REMOVED.labels(what).inc(count)
    return removed


def _calls(conn: Connection, before: datetime, batch: int) -> int:
    removed = 0
    while True:
        with conn.transaction():
            count = removal.remove_calls(conn, before, batch) if removal.lock(conn) else 0
        removed += count
        if count < batch:
            return removed


def _walk(conn: Connection, before: datetime, batch: int, find: _Find, remove: _Remove) -> int:
    """Past what has to stay, from the oldest on."""
    removed, after = 0, _BEGINNING
    while True:
        with conn.transaction():
            page = find(conn, before, after, batch) if removal.lock(conn) else []
            by_tenant: dict[UUID, list[UUID]] = {}
            for row in page:
                if row["over"]:
                    by_tenant.setdefault(row["tenant_id"], []).append(row["id"])
            for tenant_id, ids in by_tenant.items():
                enter_tenant(conn, tenant_id)
                removed += remove(conn, tenant_id, ids, before)
        if len(page) < batch:
            return removed
        after = (page[-1]["at"], page[-1]["id"])
