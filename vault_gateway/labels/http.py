"""The HTTP face of the labels room."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, Response
from marshmallow import ValidationError

from vault_gateway.edge import caller, json_body, query
from vault_gateway.errors import not_found
from vault_gateway.labels.label import Label
from vault_gateway.labels.marks import SIZES, Size
from vault_gateway.labels.schemas import RESOLUTIONS, LabelSchema, LabelsSchema
from vault_gateway.labels.service import LabelService

MEDIA = {"pdf": "application/pdf", "png": "image/png", "zpl": "application/zpl"}
_ONE, _MANY = LabelSchema(), LabelsSchema()


def labels_blueprint(service: LabelService) -> Blueprint:
    room = Blueprint("labels", __name__)

    @room.get("/v1/waybills/<waybill_no>/label.<extension>")
    def get_label(waybill_no: str, extension: str) -> Response:
        who = caller()
        named = query(_ONE)
        if extension not in MEDIA:
            raise not_found()
        if extension == "pdf" and "dpi" in named:
            raise ValidationError("A PDF has no dots.", "dpi")
        label = service.label(who, waybill_no)
        drawn = _drawn([label], extension, SIZES[named["size"]], named.get("dpi", RESOLUTIONS[0]))
        return _file(drawn, MEDIA[extension], f"{label.waybill_no}.{extension}")

    @room.post("/v1/waybills/labels")
    def print_labels() -> Response:
        who = caller()
        body = json_body(_MANY)
        labels = service.labels(who, body["waybill_nos"])
        if isinstance(labels, dict):
            raise ValidationError({"waybill_nos": {at: [error.detail] for at, error in labels.items()}})
        return _file(_drawn(labels, "pdf", SIZES[body["size"]]), MEDIA["pdf"], "labels.pdf")

    return room


def _drawn(labels: Sequence[Label], extension: str, size: Size, dpi: int = RESOLUTIONS[0]) -> bytes:
    # With the first label: to import what draws would be a sixth of every start.
    from vault_gateway.labels import drawing

    return (
        drawing.pdf(labels, size) if extension == "pdf" else drawing.bitmap(labels[0], extension, size, dpi)
    )


def _file(content: bytes, media: str, name: str) -> Response:
    return Response(
        content, content_type=media, headers={"Content-Disposition": f'inline; filename="{name}"'}
    )
