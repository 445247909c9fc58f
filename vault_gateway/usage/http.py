"""The HTTP face of the usage room."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response

from vault_gateway.database import Row
from vault_gateway.edge import caller, page, query
from vault_gateway.usage.schemas import UsageSchema
from vault_gateway.usage.service import UsageService
from vault_gateway.usage.store import Scope

_USAGE = UsageSchema()
_COLUMNS = (
    "month",
    "network",
    "carrier",
    "platform",
    "merchant",
    "issued",
    "cancelled",
    "recycled",
    "counted",
    "fee",
    "currency",
    "payer",
    "amount",
)


def usage_blueprint(service: UsageService) -> Blueprint:
    room = Blueprint("usage", __name__)

    @room.get("/v1/usage")
    def get_usage() -> Response:
        who = caller()
        named = query(_USAGE)
        month = named["month"]
        scope = Scope(*(named.get(name) for name in ("platform", "merchant", "carrier", "network")))
        by = named["by"].split(",") if "by" in named else None
        lines = [_line(f"{month:%Y-%m}", row) for row in service.of_month(who, month, scope, by)]
        return _csv(lines) if named["format"] == "csv" else page(lines, None)

    return room


def _line(month: str, row: Row) -> dict[str, Any]:
    """Money as text in full, for JSON has no exact fractions. Without a fee on its day a sheet costs nothing that this
    gateway knows of: then there is none in the line."""
    line = {"month": month, **{name: value for name, value in row.items() if value is not None}}
    for name in ("fee", "amount"):
        if name in line:
            line[name] = format(line[name], "f")
    return line


def _csv(lines: Sequence[dict[str, Any]]) -> Response:
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(lines)
    response = Response(text.getvalue(), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="usage.csv"'
    return response
