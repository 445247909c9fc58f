"""The access log, for an auditor."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from vault_gateway.client import reading
from vault_gateway.client.answers import AuditEvent
from vault_gateway.client.transport import Transport, segment


class Audit:
    def __init__(self, http: Transport) -> None:
        self._http = http

    def events(
        self, *, since: datetime | None = None, until: datetime | None = None, **filters: str
    ) -> Iterator[AuditEvent]:
        """Newest first, fetched page by page. Filters: `actor, role, action, outcome, waybill, order, token,
        carrier, station, purpose`; an unknown one is the gateway's `validation_failed`."""
        query = dict(filters)
        if since is not None:
            query["from"] = since.isoformat()
        if until is not None:
            query["to"] = until.isoformat()
        return map(reading.audit_event, self._http.pages("/v1/audit/events", query))

    def event(self, event_id: str) -> AuditEvent:
        return reading.audit_event(self._http.get(f"/v1/audit/events/{segment(event_id)}"))
