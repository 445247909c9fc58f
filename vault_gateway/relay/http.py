"""The HTTP face of the relay room, for the telecoms that own the numbers."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from vault_gateway.edge import caller, json_body, query
from vault_gateway.errors import not_found
from vault_gateway.relay.capacity import PoolService
from vault_gateway.relay.records import Record, RecordService
from vault_gateway.relay.routing import Call, RoutingService
from vault_gateway.relay.schemas import PoolSchema, RecordSchema, RouteSchema
from vault_gateway.tokens.phones import e164
from vault_gateway.tokens.text import ValueRefused

_ROUTE, _RECORD, _POOL = RouteSchema(), RecordSchema(), PoolSchema()


def relay_blueprint(routing: RoutingService, records: RecordService, pool: PoolService) -> Blueprint:
    room = Blueprint("relay", __name__)

    @room.post("/v1/relay/route")
    def route_call() -> Response:
        who = caller()
        body = json_body(_ROUTE)
        call = Call(
            body["call_id"],
            body["medium"],
            _caller_of(body["caller"]),
            _called(body["called"]),
            body.get("extension") or None,
            body.get("text"),
        )
        return jsonify(routing.route(who, call))

    @room.post("/v1/relay/events")
    def take_record() -> Response:
        who = caller()
        body = json_body(_RECORD)
        records.take(who, Record(body["call_id"], body["type"], body["at"], body.get("reason")))
        return jsonify(call_id=body["call_id"], type=body["type"])

    @room.get("/v1/relay/pool")
    def get_pool() -> Response:
        who = caller()
        return jsonify(items=pool.view(who, query(_POOL).get("mode")))

    return room


def _caller_of(text: str) -> str:
    """E.164; "" for what is no number, as of callers who hide theirs."""
    try:
        return e164(text)
    except ValueRefused:
        return ""


def _called(text: str) -> str:
    try:
        return e164(text)
    except ValueRefused:
        raise not_found() from None
