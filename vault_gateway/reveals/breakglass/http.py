"""The HTTP face of break-glass. An Idempotency-Key counts for nothing here: no answer is stored."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from vault_gateway.edge import caller, cursor_of, json_body, page, query
from vault_gateway.reveals.breakglass.schemas import ApprovalSchema, BreakGlassListSchema, BreakGlassSchema
from vault_gateway.reveals.breakglass.service import BreakGlassService

_ASKED, _APPROVAL, _LIST = BreakGlassSchema(), ApprovalSchema(), BreakGlassListSchema()


def break_glass_blueprint(service: BreakGlassService) -> Blueprint:
    room = Blueprint("break_glass", __name__)

    @room.post("/v1/break-glass")
    def request_break_glass() -> tuple[Response, int]:
        who = caller()
        body = json_body(_ASKED)
        return jsonify(service.request(who, body.get("waybill_no"), body.get("token"), body["reason"])), 201

    @room.post("/v1/break-glass/<break_glass>/approve")
    def approve_break_glass(break_glass: str) -> Response:
        who = caller()
        return jsonify(service.approve(who, break_glass, json_body(_APPROVAL)["reason"]))

    @room.get("/v1/break-glass")
    def list_break_glass() -> Response:
        who = caller()
        named = query(_LIST)
        return page(*service.find(who, cursor_of(named), named["limit"]))

    @room.get("/v1/break-glass/<break_glass>")
    def get_break_glass(break_glass: str) -> Response:
        return jsonify(service.view(caller(), break_glass))

    return room
