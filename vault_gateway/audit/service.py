"""Questions to the access log, within what the auditor was appointed to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from vault_gateway.access.resources import access_log
from vault_gateway.audit import store
from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Ledger, Unit
from vault_gateway.errors import GatewayError, not_found
from vault_gateway.model import Caller, Tenant


@dataclass(frozen=True, slots=True)
class Page:
    items: list[dict[str, Any]]
    next: UUID | None


class AuditService:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def find(
        self,
        caller: Caller,
        filters: Mapping[str, str],
        *,
        from_: str | None,
        to: str | None,
        before: UUID | None,
        limit: int,
    ) -> Page:
        """Events newest first, `limit` at most; `next` is where the following page begins. Reading is an
        event itself, written before anything is answered."""
        with self._ledger.open(caller) as unit:
            self._enter(unit, Event("audit.read", detail={"filters": ",".join(sorted(filters))}))
            rows = store.find_events(unit.conn, filters, from_=from_, to=to, before=before, limit=limit + 1)
        more = len(rows) > limit
        return Page([row["body"] for row in rows[:limit]], rows[limit - 1]["id"] if more else None)

    def get(self, caller: Caller, event_id: UUID) -> dict[str, Any]:
        """One event with what is needed to check it: salt and commitment in hex."""
        with self._ledger.open(caller) as unit:
            self._enter(unit, Event("audit.read", resource=f"event:{event_id}"))
            row = store.get_event(unit.conn, event_id)
        if row is None:
            raise not_found()
        return {**row["body"], "salt": row["salt"].hex(), "commitment": row["commitment"].hex()}

    def _enter(self, unit: Unit, event: Event) -> None:
        principal = unit.caller.principal
        resource = access_log(principal.platform, principal.merchant)
        answer = GatewayError("forbidden", 403, "Only an auditor reads the access log.")
        policies = unit.require(event, resource, answer)
        tenant = None
        if principal.platform is not None and principal.merchant is not None:
            tenant = Tenant(principal.platform, principal.merchant)
            unit.enter(tenant)
        unit.record(Event(event.action, policies=policies, resource=event.resource, detail=event.detail))
        store.enter_scope(unit.conn, log=principal.platform, tenant_id=None if tenant is None else tenant.id)
