"""The HTTP face of the relay room, for the telecoms that own the numbers."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from vault_gateway.edge import caller, json_body, query
from vault_gateway.relay.capacity import PoolService
from vault_gateway.relay.numbers import called, calling
from vault_gateway.relay.records import Record, RecordService
from vault_gateway.relay.routing import Call, RoutingService
from vault_gateway.relay.schemas import PoolSchema, RecordSchema, RouteSchema

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
            calling(body["caller"]),
            called(body["called"]),
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
