"""The HTTP face of the audit room."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, jsonify

from vault_gateway.audit.export import FORMATS
from vault_gateway.audit.schemas import EventsSchema, ExportSchema
from vault_gateway.audit.service import AuditService, question
from vault_gateway.audit.store.questions import COLUMNS, Question
from vault_gateway.edge import caller, cursor_of, page, query
from vault_gateway.errors import not_found

_EVENTS, _EXPORT = EventsSchema(), ExportSchema()


def audit_blueprint(service: AuditService) -> Blueprint:
    room = Blueprint("audit", __name__)

    @room.get("/v1/audit/events")
    def list_events() -> Response:
        who = caller()
        named = query(_EVENTS)
        found = service.find(who, _question(named), named["limit"])
        return page([row["body"] for row in found.rows], found.next)

    @room.get("/v1/audit/events/<event>")
    def get_event(event: str) -> Response:
        who = caller()
        try:
            event_id = UUID(event)
        except ValueError:
            raise not_found() from None
        return jsonify(service.get(who, event_id))

    @room.get("/v1/audit/export")
    def export_events() -> Response:
        who = caller()
        named = query(_EXPORT)
        name = named["format"]
        media_type, written = FORMATS[name]
        pages = service.export(who, _question(named), name)
        response = Response(written(pages), content_type=media_type)
        suffix = "csv" if name == "csv" else "jsonl"
        response.headers["Content-Disposition"] = f'attachment; filename="access-log.{suffix}"'
        return response

    return room


def _question(named: dict[str, Any]) -> Question:
    filters = {name: named[name] for name in COLUMNS if name in named}
    return question(filters, from_=named.get("from_"), to=named.get("to"), before=cursor_of(named))
