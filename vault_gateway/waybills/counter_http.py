"""The HTTP face of a station's counter."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from vault_gateway.edge import caller, json_body
from vault_gateway.waybills.counter import CounterService
from vault_gateway.waybills.schemas import CounterSearchSchema
from vault_gateway.waybills.views import view_of

_SEARCH = CounterSearchSchema()


def counter_blueprint(service: CounterService) -> Blueprint:
    room = Blueprint("counter", __name__)

    @room.post("/v1/stations/<station>/parcels/search")
    def search_counter(station: str) -> Response:
        who = caller()
        shown, more = service.search(who, station, json_body(_SEARCH)["last4"])
        return jsonify(items=[view_of(one, who) for one in shown], more=more)

    return room
