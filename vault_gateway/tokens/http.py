"""The HTTP face of the tokens room."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify

from vault_gateway.edge import batch_status, caller, cursor_of, json_body, page, query, raw_body
from vault_gateway.errors import GatewayError, not_found
from vault_gateway.idempotency import RequestKeys
from vault_gateway.identity.tenants import tenant_of_request
from vault_gateway.model import Caller, Kind, Tenant
from vault_gateway.rates import Rates
from vault_gateway.shapes import TenantSchema, is_order
from vault_gateway.tokens.schemas import LookupSchema, MatchSchema, OrderSchema, SearchSchema, TokenizeSchema
from vault_gateway.tokens.service import TokenService

_TENANT, _TOKENIZE, _LOOKUP = TenantSchema(), TokenizeSchema(), LookupSchema()
_SEARCH, _MATCH, _ORDER = SearchSchema(), MatchSchema(), OrderSchema()


def tokens_blueprint(service: TokenService, request_keys: RequestKeys, rates: Rates) -> Blueprint:
    room = Blueprint("tokens", __name__)

    @room.post("/v1/tokens")
    def create_tokens() -> tuple[Response, int]:
        who = caller()
        body = json_body(_TOKENIZE)
        key = request_keys.of(who, raw_body())
        items = service.create(who, _tenant(who, body), body["items"], body.get("order"), key)
        return jsonify(items=items), batch_status(items)

    @room.get("/v1/tokens/<token>")
    def get_token(token: str) -> Response:
        who = caller()
        return jsonify(service.view(who, _tenant(who, query(_TENANT)), token))

    @room.delete("/v1/tokens/<token>")
    def erase_token(token: str) -> tuple[str, int]:
        who = caller()
        service.erase(who, _tenant(who, query(_TENANT)), token)
        return "", 204

    @room.post("/v1/tokens/lookup")
    def look_up_tokens() -> Response:
        who = caller()
        body = json_body(_LOOKUP)
        return jsonify(items=service.look_up(who, _tenant(who, body), body["tokens"]))

    @room.post("/v1/tokens/search")
    def search_tokens() -> Response:
        who = caller()
        rates.spend_search(who)
        return _search(service, who, json_body(_SEARCH))

    @room.post("/v1/tokens/match")
    def match_tokens() -> Response:
        who = caller()
        body = json_body(_MATCH)
        groups, missing = service.match(who, _tenant(who, body), body["recipients"])
        return jsonify(groups=groups, missing=missing)

    @room.get("/v1/orders/<order>")
    def get_order(order: str) -> Response:
        who = caller()
        named = query(_ORDER)
        if not is_order(order):
            raise not_found()
        return page(*service.order(who, _tenant(who, named), order, cursor_of(named), named["limit"]))

    return room


def _search(service: TokenService, who: Caller, body: dict[str, Any]) -> Response:
    tenant, kind, before = _tenant(who, body), Kind(body["kind"]), cursor_of(body)
    if ("value" in body) == ("last4" in body):
        raise GatewayError("validation_failed", 422, "A search takes either value or last4.")
    if "value" in body:
        return page(*service.search_value(who, tenant, kind, body["value"], before, body["limit"]))
    if kind is not Kind.PHONE:
        raise GatewayError("validation_failed", 422, "last4 searches phones.")
    return page(*service.search_last4(who, tenant, body["last4"], before, body["limit"]))


def _tenant(who: Caller, named: dict[str, Any]) -> Tenant:
    return tenant_of_request(who.principal, named.get("platform"), named.get("merchant"))
