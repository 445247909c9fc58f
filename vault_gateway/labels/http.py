"""The HTTP face of the labels room."""

from __future__ import annotations

from flask import Blueprint, Response
from marshmallow import ValidationError

from vault_gateway.edge import caller, json_body, query
from vault_gateway.errors import not_found
from vault_gateway.labels.bitmap import picture_of, png_of, zpl_of
from vault_gateway.labels.layout import Label, marks_of
from vault_gateway.labels.marks import SIZES, Size
from vault_gateway.labels.pdf import pdf_of
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
        drawn = _drawn(label, extension, SIZES[named["size"]], named.get("dpi", RESOLUTIONS[0]))
        return _file(drawn, MEDIA[extension], f"{label.waybill_no}.{extension}")

    @room.post("/v1/waybills/labels")
    def print_labels() -> Response:
        who = caller()
        body = json_body(_MANY)
        labels = service.labels(who, body["waybill_nos"])
        if isinstance(labels, dict):
            raise ValidationError({"waybill_nos": {at: [error.detail] for at, error in labels.items()}})
        size = SIZES[body["size"]]
        return _file(pdf_of((marks_of(label, size) for label in labels), size), MEDIA["pdf"], "labels.pdf")

    return room


def _drawn(label: Label, extension: str, size: Size, dpi: int) -> bytes:
    marks = marks_of(label, size)
    if extension == "pdf":
        return pdf_of([marks], size)
    picture = picture_of(marks, size, dpi)
    return png_of(picture, dpi) if extension == "png" else zpl_of(picture).encode()


def _file(content: bytes, media: str, name: str) -> Response:
    return Response(
        content, content_type=media, headers={"Content-Disposition": f'inline; filename="{name}"'}
    )
