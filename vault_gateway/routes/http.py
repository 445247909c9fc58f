"""The HTTP face of the routes room."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request
from marshmallow import ValidationError

from vault_gateway.edge import caller, raw_body
from vault_gateway.errors import GatewayError, not_found
from vault_gateway.idempotency import RequestKeys
from vault_gateway.model import SLUG
from vault_gateway.routes.service import RouteService
from vault_gateway.routes.table import TableRefused


def routes_blueprint(service: RouteService, request_keys: RequestKeys) -> Blueprint:
    room = Blueprint("routes", __name__)

    @room.post("/v1/carriers/<carrier>/routes")
    def replace_routes(carrier: str) -> tuple[Response, int]:
        who = caller()
        if not SLUG.fullmatch(carrier):
            raise not_found()
        if request.mimetype != "text/csv":
            raise GatewayError("unsupported_media_type", 415, "The body must be text/csv.")
        try:
            done = service.replace(who, carrier, raw_body(), request_keys.of(who, raw_body()))
        except TableRefused as refusal:
            raise ValidationError(
                {"lines": {line: [fault] for line, fault in refusal.faults.items()}}
            ) from None
        return jsonify(carrier=carrier, version=done.version, rows=done.rows), 201

    return room
