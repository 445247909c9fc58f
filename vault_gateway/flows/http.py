"""The HTTP face of the flows room."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from flask import Blueprint, Response, jsonify

from vault_gateway.database import Row
from vault_gateway.edge import caller, query
from vault_gateway.flows.asking import COLUMNS, DIMENSIONS, WITHHELD, Question
from vault_gateway.flows.schemas import FlowsSchema, cursor_after
from vault_gateway.flows.service import FlowService

_FLOWS = FlowsSchema()


def flows_blueprint(service: FlowService) -> Blueprint:
    room = Blueprint("flows", __name__)

    @room.get("/v1/stats/flows")
    def get_flows() -> Response:
        who = caller()
        named = query(_FLOWS)
        by = named["by"].split(",") if named["by"] else []
        where = {name: named[name] for name in DIMENSIONS if name in named}
        question = Question(named["begins"], named["ends"], by, where)
        rows = service.answer(who, question, named.get("cursor"), named["limit"] + 1)
        lines = rows[: named["limit"]]
        body: dict[str, Any] = {"items": [_line(row, by) for row in lines]}
        if len(rows) > len(lines):
            body["next"] = cursor_after([lines[-1][name] for name in COLUMNS])
        return jsonify(body)

    return room


def _line(row: Row, by: Collection[str]) -> dict[str, Any]:
    """What is withheld is null: too few to be told apart by it."""
    told = {name: None if row[name] == WITHHELD else row[name] for name in COLUMNS if name in by}
    return {**told, "parcels": row["parcels"]}
