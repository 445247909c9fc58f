"""The HTTP face of the networks room."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify

from vault_gateway.database import Row
from vault_gateway.edge import caller, query
from vault_gateway.identity.tenants import tenant_of_request
from vault_gateway.model import rfc3339
from vault_gateway.networks.service import SegmentService
from vault_gateway.shapes import TenantSchema

_NAMED = TenantSchema()


def networks_blueprint(segments: SegmentService) -> Blueprint:
    room = Blueprint("networks", __name__)

    @room.get("/v1/segments")
    def list_segments() -> Response:
        who = caller()
        named = query(_NAMED)
        tenant = tenant_of_request(who.principal, named.get("platform"), named.get("merchant"))
        return jsonify(items=[view_of(row) for row in segments.list(who, tenant)])

    return room


def view_of(row: Row) -> dict[str, Any]:
    view = {name: row[name] for name in ("network", "carrier", "branch")}
    view |= {"first": row["first_no"], "last": row["last_no"]}
    view |= {name: row[name] for name in ("available", "issued", "cancelled", "recycled")}
    view |= {"low": row["low_since"] is not None, "granted_at": rfc3339(row["granted_at"])}
    return view
