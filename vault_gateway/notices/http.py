"""The HTTP face of the notices room."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from vault_gateway.edge import caller, json_body, raw_body
from vault_gateway.idempotency import RequestKeys
from vault_gateway.notices.schemas import NoticeSchema
from vault_gateway.notices.service import NoticeService, view_of

_NOTICE = NoticeSchema()


def notices_blueprint(service: NoticeService, request_keys: RequestKeys) -> Blueprint:
    room = Blueprint("notices", __name__)

    @room.post("/v1/notices")
    def send_notice() -> tuple[Response, int]:
        who = caller()
        body = json_body(_NOTICE)
        key = request_keys.of(who, raw_body())
        made = service.send(who, body["waybill_no"], body["template"], body["language"], body["params"], key)
        return jsonify(view_of(made)), 201

    @room.get("/v1/notices/<notice>")
    def get_notice(notice: str) -> Response:
        return jsonify(view_of(service.view(caller(), notice)))

    return room
