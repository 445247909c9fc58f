"""The HTTP face of parcels' relay numbers."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from vault_gateway.edge import caller, json_body, raw_body
from vault_gateway.idempotency import RequestKeys
from vault_gateway.relay.service import view_of
from vault_gateway.waybills.relaying import ParcelRelay
from vault_gateway.waybills.schemas import BindingSchema

_BINDING = BindingSchema()


def parcel_relay_blueprint(service: ParcelRelay, request_keys: RequestKeys) -> Blueprint:
    room = Blueprint("parcel_relay", __name__)

    @room.post("/v1/relay/bindings")
    def bind() -> tuple[Response, int]:
        who = caller()
        body = json_body(_BINDING)
        make = service.bind_pair if body["mode"] == "axb" else service.bind_extension
        key = request_keys.of(who, raw_body())
        return jsonify(view_of(make(who, body["waybill_no"], body.get("expires_at"), key))), 201

    @room.get("/v1/relay/bindings/<binding>")
    def get_binding(binding: str) -> Response:
        found, made = service.view(caller(), binding)
        return jsonify(**view_of(found), calls=made)

    @room.delete("/v1/relay/bindings/<binding>")
    def release(binding: str) -> tuple[str, int]:
        service.release(caller(), binding)
        return "", 204

    return room
