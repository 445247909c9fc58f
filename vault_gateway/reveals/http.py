"""The HTTP face of the reveals room. A GET never opens anything: link previews and prefetchers send GETs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, jsonify
from marshmallow import ValidationError

from vault_gateway.edge import (
    batch_status,
    caller,
    error_item,
    json_body,
    json_body_either,
    judged_anew,
    raw_body,
)
from vault_gateway.errors import GatewayError
from vault_gateway.idempotency import RequestKey, RequestKeys
from vault_gateway.problems import misshapen
from vault_gateway.rates import Rates
from vault_gateway.reveals.issuing import RevealRequest
from vault_gateway.reveals.schemas import AckSchema, ClaimSchema, ManyRevealsSchema, OneRevealSchema
from vault_gateway.reveals.service import RevealService

_ONE, _MANY, _CLAIM, _ACK = OneRevealSchema(), ManyRevealsSchema(), ClaimSchema(), AckSchema()


def reveals_blueprint(service: RevealService, request_keys: RequestKeys, rates: Rates) -> Blueprint:
    room = Blueprint("reveals", __name__)

    @room.post("/v1/reveals")
    def issue_reveals() -> tuple[Response, int]:
        who = caller()
        body, many = json_body_either(_ONE, _MANY)
        rates.spend_reveals(who, len(body["items"]) if many else 1)
        claim = bool(body.get("claim"))
        key = request_keys.of(who, raw_body())
        if not many:
            return jsonify(service.issue(who, _wanted(body), key, claim=claim)), 201
        items = []
        for item, item_key in zip(body["items"], _batch_keys(key, len(body["items"])), strict=True):
            try:
                # Each by itself: a batch may take longer than an answer may be old.
                items.append(service.issue(judged_anew(who), _wanted(item), item_key, claim=claim))
            except GatewayError as error:
                items.append(error_item(error))
        return jsonify(items=items), batch_status(items)

    @room.post("/v1/reveals/<reveal>/claim")
    def claim_reveal(reveal: str) -> Response:
        who = caller()
        return jsonify(service.claim(who, reveal, json_body(_CLAIM).get("public_key")))

    @room.post("/v1/reveals/<reveal>/ack")
    def acknowledge_reveal(reveal: str) -> Response:
        who = caller()
        return jsonify(service.acknowledge(who, reveal, json_body(_ACK)["ack_code"]))

    @room.post("/v1/reveals/<reveal>/revoke")
    def revoke_reveal(reveal: str) -> Response:
        return jsonify(service.revoke(caller(), reveal))

    @room.get("/v1/reveals/<reveal>")
    def get_reveal(reveal: str) -> Response:
        return jsonify(service.view(caller(), reveal))

    return room


def _wanted(item: dict[str, Any] | ValidationError) -> RevealRequest:
    if isinstance(item, ValidationError):
        raise misshapen(item)
    fields = item.get("fields_")
    return RevealRequest(
        item["waybill_no"], item["purpose"], None if fields is None else tuple(fields), item.get("public_key")
    )


def _batch_keys(key: RequestKey | None, count: int) -> Sequence[RequestKey | None]:
    """A request's idempotency key for each of its items, which are carried out each by itself."""
    if key is None:
        return [None] * count
    return [replace(key, key=f"{key.key} {position}") for position in range(count)]
