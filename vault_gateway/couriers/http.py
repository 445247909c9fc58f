"""The HTTP face of the couriers room."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify
from marshmallow import Schema, fields, validate

from vault_gateway.couriers.listing import CourierList, view_of
from vault_gateway.couriers.resuming import Resumption
from vault_gateway.couriers.service import CourierService
from vault_gateway.edge import caller, json_body, query, raw_body
from vault_gateway.idempotency import RequestKeys
from vault_gateway.shapes import SLUG_FIELD


class CourierSchema(Schema):
    handle = fields.String(required=True, validate=SLUG_FIELD)
    station = fields.String(validate=SLUG_FIELD)
    phone = fields.Raw()


class CouriersSchema(Schema):
    """The query of the list. `cursor` is the handle that the page before ended with."""

    carrier = fields.String(validate=SLUG_FIELD)
    suspended = fields.Boolean(truthy={"true"}, falsy={"false"})
    cursor = fields.String(validate=SLUG_FIELD)
    limit = fields.Integer(validate=validate.Range(1, 500), load_default=100)


class ResumeSchema(Schema):
    carrier = fields.String(validate=SLUG_FIELD)


_COURIER, _COURIERS, _RESUME = CourierSchema(), CouriersSchema(), ResumeSchema()


def couriers_blueprint(
    service: CourierService, list_: CourierList, resumption: Resumption, request_keys: RequestKeys
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

    @room.get("/v1/couriers")
    def list_couriers() -> Response:
        who = caller()
        named = query(_COURIERS)
        rows, following = list_.find(
            who,
            named.get("carrier"),
            suspended=named.get("suspended"),
            after=named.get("cursor", ""),
            limit=named["limit"],
        )
        more = {} if following is None else {"next": following}
        return jsonify(items=[view_of(row) for row in rows], **more)

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
