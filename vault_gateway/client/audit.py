"""The access log, for an auditor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Literal

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
        return map(reading.audit_event, self._http.pages("/v1/audit/events", _query(since, until, filters)))

    def event(self, event_id: str) -> AuditEvent:
        return reading.audit_event(self._http.get(f"/v1/audit/events/{segment(event_id)}"))

    def export(
        self,
        format_: Literal["jsonl", "csv", "ocsf"],
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        **filters: str,
    ) -> Iterator[bytes]:
        """The same events as one document, in blocks as they come. An export that breaks off is raised as
        Unreachable, never taken for a short one."""
        return self._http.stream("/v1/audit/export", {"format": format_, **_query(since, until, filters)})


def _query(since: datetime | None, until: datetime | None, filters: Mapping[str, str]) -> dict[str, str]:
    query = dict(filters)
    if since is not None:
        query["from"] = since.isoformat()
    if until is not None:
        query["to"] = until.isoformat()
    return query
