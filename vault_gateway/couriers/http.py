"""The HTTP face of the couriers room."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify
from marshmallow import Schema, fields

from vault_gateway.couriers.resuming import Resumption
from vault_gateway.couriers.service import CourierService
from vault_gateway.edge import caller, json_body, raw_body
from vault_gateway.idempotency import RequestKeys
from vault_gateway.shapes import SLUG_FIELD


class CourierSchema(Schema):
    handle = fields.String(required=True, validate=SLUG_FIELD)
    station = fields.String(validate=SLUG_FIELD)
    phone = fields.Raw()


class ResumeSchema(Schema):
    carrier = fields.String(validate=SLUG_FIELD)


_COURIER, _RESUME = CourierSchema(), ResumeSchema()


def couriers_blueprint(
    service: CourierService, resumption: Resumption, request_keys: RequestKeys
) -> Blueprint:
    room = Blueprint("couriers", __name__)

    @room.post("/v1/couriers")
    def register_courier() -> tuple[Response, int]:
        who = caller()
        body = json_body(_COURIER)
        masked = service.register(
            who, body["handle"], body.get("station"), body.get("phone"), request_keys.of(who, raw_body())
        )
        shown = {name: body[name] for name in ("handle", "station") if name in body}
        return jsonify(shown if masked is None else {**shown, "phone": masked}), 201

    @room.delete("/v1/couriers/<handle>")
    def remove_courier(handle: str) -> tuple[str, int]:
        service.remove(caller(), handle)
        return "", 204

    @room.post("/v1/couriers/<handle>/resume")
    def resume_courier(handle: str) -> Response:
        who = caller()
        resumption.resume(who, handle, json_body(_RESUME).get("carrier"))
        return jsonify(handle=handle, suspended=False)

    return room
