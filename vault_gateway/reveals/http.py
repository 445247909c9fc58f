"""The HTTP face of the reveals room. A GET never opens anything: link previews and prefetchers send GETs."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify

from vault_gateway.edge import batch_status, caller, error_item, json_body, json_body_either, raw_body
from vault_gateway.errors import GatewayError
from vault_gateway.idempotency import RequestKey, RequestKeys
from vault_gateway.model import Caller
from vault_gateway.reveals.schemas import AckSchema, ClaimSchema, ManyRevealsSchema, OneRevealSchema
from vault_gateway.reveals.service import RevealRequest, RevealService, batch_keys, reveal_text

_ONE, _MANY, _CLAIM, _ACK = OneRevealSchema(), ManyRevealsSchema(), ClaimSchema(), AckSchema()


def reveals_blueprint(service: RevealService, request_keys: RequestKeys) -> Blueprint:
    room = Blueprint("reveals", __name__)

    @room.post("/v1/reveals")
    def issue_reveals() -> tuple[Response, int]:
        who = caller()
        body, many = json_body_either(_ONE, _MANY)
        wanted = [_wanted(item) for item in body["items"]] if many else [_wanted(body)]
        claim = bool(body.get("claim"))
        keys = batch_keys(request_keys.of(who, raw_body()), len(wanted))
        if not many:
            return jsonify(_issue(service, who, wanted[0], keys[0], claim)), 201
        items = []
        for one, key in zip(wanted, keys, strict=True):
            try:
                items.append(_issue(service, who, one, key, claim))
            except GatewayError as error:
                items.append({"waybill_no": one.waybill_no, **error_item(error)})
        return jsonify(items=items), batch_status(items)

    @room.post("/v1/reveals/<reveal>/claim")
    def claim_reveal(reveal: str) -> Response:
        who = caller()
        return jsonify(service.claim(who, reveal, json_body(_CLAIM).get("public_key")))

    @room.post("/v1/reveals/<reveal>/ack")
    def acknowledge_reveal(reveal: str) -> Response:
        who = caller()
        return jsonify(service.view_of(service.acknowledge(who, reveal, json_body(_ACK)["ack_code"])))

    @room.post("/v1/reveals/<reveal>/revoke")
    def revoke_reveal(reveal: str) -> Response:
        return jsonify(service.view_of(service.revoke(caller(), reveal)))

    @room.get("/v1/reveals/<reveal>")
    def get_reveal(reveal: str) -> Response:
        return jsonify(service.view(caller(), reveal))

    return room


def _wanted(item: dict[str, Any]) -> RevealRequest:
    fields = item.get("fields_")
    return RevealRequest(
        item["waybill_no"], item["purpose"], None if fields is None else tuple(fields), item.get("public_key")
    )


def _issue(
    service: RevealService, who: Caller, wanted: RevealRequest, key: RequestKey | None, claim: bool
) -> dict[str, Any]:
    grant = service.issue(who, wanted, key)
    if claim:
        return {
            **service.view_of(grant),
            **service.claim(who, reveal_text(grant.id), wanted.public_key),
            "state": "claimed",
        }
    return service.view_of(grant)
