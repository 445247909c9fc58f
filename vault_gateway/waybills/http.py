"""The HTTP face of the waybills room."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify
from marshmallow import ValidationError

from vault_gateway.edge import (
    batch_status,
    caller,
    cursor_of,
    error_item,
    json_body,
    json_body_either,
    page,
    query,
    raw_body,
)
from vault_gateway.errors import GatewayError
from vault_gateway.idempotency import RequestKeys
from vault_gateway.identity.tenants import tenant_of_request
from vault_gateway.model import Caller, Role, Tenant
from vault_gateway.problems import misshapen
from vault_gateway.waybills.drafting import Order
from vault_gateway.waybills.lists import Listing, WaybillLists
from vault_gateway.waybills.moving import CarrierEvent
from vault_gateway.waybills.schemas import (
    CorrectionSchema,
    EventSchema,
    ListSchema,
    ManyWaybillsSchema,
    OneWaybillSchema,
)
from vault_gateway.waybills.service import WaybillService
from vault_gateway.waybills.states import State
from vault_gateway.waybills.views import view_of

_ONE, _MANY, _CORRECTION = OneWaybillSchema(), ManyWaybillsSchema(), CorrectionSchema()
_EVENT, _LIST = EventSchema(), ListSchema()


def waybills_blueprint(service: WaybillService, lists: WaybillLists, request_keys: RequestKeys) -> Blueprint:
    room = Blueprint("waybills", __name__)

    @room.post("/v1/waybills")
    def create_waybills() -> tuple[Response, int]:
        who = caller()
        body, many = json_body_either(_ONE, _MANY)
        orders = [_asked(item) for item in body["items"]] if many else [_order(body)]
        key = request_keys.of(who, raw_body())
        made = service.create(who, _tenant(who, body), orders, key, merge=many and body["merge"])
        if not many:
            only = made[0]
            if isinstance(only, GatewayError):
                raise only
            return jsonify(view_of(only, who)), 201
        items = [error_item(one) if isinstance(one, GatewayError) else view_of(one, who) for one in made]
        return jsonify(items=items), batch_status(items)

    @room.get("/v1/waybills")
    def list_waybills() -> Response:
        who = caller()
        named = query(_LIST)
        _require_filters_of(who, named)
        wanted = Listing(
            named.get("state"), named.get("since"), named.get("order"), cursor_of(named), named["limit"]
        )
        if who.principal.role in (Role.PLATFORM, Role.MERCHANT):
            shown, following = lists.of_tenant(who, _tenant(who, named), wanted)
        else:
            shown, following = lists.of_fleet(who, wanted)
        return page([view_of(one, who) for one in shown], following)

    @room.get("/v1/waybills/<waybill_no>")
    def get_waybill(waybill_no: str) -> Response:
        who = caller()
        return jsonify(view_of(service.view(who, waybill_no), who))

    @room.post("/v1/waybills/<waybill_no>/cancel")
    def cancel_waybill(waybill_no: str) -> Response:
        who = caller()
        return jsonify(view_of(service.cancel(who, waybill_no), who))

    @room.patch("/v1/waybills/<waybill_no>")
    def correct_waybill(waybill_no: str) -> Response:
        who = caller()
        recipient = json_body(_CORRECTION)["recipient"]
        return jsonify(view_of(service.correct(who, waybill_no, recipient), who))

    @room.post("/v1/waybills/<waybill_no>/events")
    def record_event(waybill_no: str) -> tuple[Response, int]:
        who = caller()
        body = json_body(_EVENT)
        event = CarrierEvent(**{**body, "type": State(body["type"])})
        shown = service.carrier_event(who, waybill_no, event, request_keys.of(who, raw_body()))
        return jsonify(view_of(shown, who)), 201

    return room


def _require_filters_of(who: Caller, named: dict[str, Any]) -> None:
    """A filter that a list does not have is refused: left out of account, it would look as if all matched."""
    role = who.principal.role
    of_tenant = role in (Role.PLATFORM, Role.MERCHANT)
    foreign = set() if of_tenant else {"order", "platform", "merchant"}
    if role is not Role.COURIER:
        foreign.add("courier")
    if foreign & named.keys():
        raise GatewayError("validation_failed", 422, "This list has no such filter for you.")


def _asked(item: dict[str, Any] | ValidationError) -> Order | GatewayError:
    return misshapen(item) if isinstance(item, ValidationError) else _order(item)


def _order(item: dict[str, Any]) -> Order:
    names = ("network", "carrier", "recipient", "sender", "order", "waybill_no", "branch", "relay")
    return Order(**{name: item[name] for name in names if name in item})


def _tenant(who: Caller, named: dict[str, Any]) -> Tenant:
    return tenant_of_request(who.principal, named.get("platform"), named.get("merchant"))
