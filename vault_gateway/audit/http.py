"""The HTTP face of the audit room."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from flask import Blueprint, Response, jsonify

from vault_gateway.audit.event import rfc3339
from vault_gateway.audit.schemas import EventsSchema
from vault_gateway.audit.service import AuditService
from vault_gateway.edge import caller, cursor_of, page, query
from vault_gateway.errors import not_found

_EVENTS = EventsSchema()
_FILTERS = (
    "actor",
    "role",
    "action",
    "outcome",
    "waybill",
    "order",
    "token",
    "carrier",
    "station",
    "purpose",
)


def audit_blueprint(service: AuditService) -> Blueprint:
    room = Blueprint("audit", __name__)

    @room.get("/v1/audit/events")
    def list_events() -> Response:
        who = caller()
        named = query(_EVENTS)
        found = service.find(
            who,
            {name: named[name] for name in _FILTERS if name in named},
            from_=_text(named.get("from_")),
            to=_text(named.get("to")),
            before=cursor_of(named),
            limit=named["limit"],
        )
        return page(found.items, found.next)

    @room.get("/v1/audit/events/<event>")
    def get_event(event: str) -> Response:
        who = caller()
        try:
            event_id = UUID(event)
        except ValueError:
            raise not_found() from None
        return jsonify(service.get(who, event_id))

    return room


def _text(at: datetime | None) -> str | None:
    return None if at is None else rfc3339(at.astimezone(UTC))
