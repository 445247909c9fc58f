"""The HTTP face of the webhooks room."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify

from vault_gateway.edge import caller, json_body, page, raw_body
from vault_gateway.idempotency import RequestKeys
from vault_gateway.model import rfc3339
from vault_gateway.webhooks.schemas import WebhookSchema
from vault_gateway.webhooks.service import Webhook, WebhookService
from vault_gateway.webhooks.signing import secret_text

_WEBHOOK = WebhookSchema()


def webhooks_blueprint(service: WebhookService, request_keys: RequestKeys) -> Blueprint:
    room = Blueprint("webhooks", __name__)

    @room.post("/v1/webhooks")
    def create_webhook() -> tuple[Response, int]:
        who = caller()
        body = json_body(_WEBHOOK)
        made, secret = service.create(who, body["url"], body.get("events"), request_keys.of(who, raw_body()))
        return jsonify({**_view(made), "secret": secret_text(secret)}), 201

    @room.get("/v1/webhooks")
    def list_webhooks() -> Response:
        shown = [{**_view(one), "waiting": one.waiting, "dead": one.dead} for one in service.list(caller())]
        return page(shown, None)

    @room.delete("/v1/webhooks/<webhook>")
    def remove_webhook(webhook: str) -> tuple[str, int]:
        service.remove(caller(), webhook)
        return "", 204

    return room


def _view(webhook: Webhook) -> dict[str, Any]:
    view: dict[str, Any] = {
        "webhook_id": webhook.text,
        "url": webhook.url,
        "created_at": rfc3339(webhook.created_at),
    }
    if webhook.events is not None:
        view["events"] = list(webhook.events)
    return view
