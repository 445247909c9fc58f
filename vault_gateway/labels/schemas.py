"""Shapes of the labels room's body and query."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from vault_gateway.labels.marks import SIZES

RESOLUTIONS = (203, 300)
MAX_LABELS = 200


class LabelSchema(Schema):
    size = fields.String(validate=validate.OneOf(tuple(SIZES)), load_default="76x130")
    dpi = fields.Integer(
        validate=validate.OneOf(RESOLUTIONS),
        metadata={"description": "Of png and zpl; 203 where it is not given."},
    )


class LabelsSchema(Schema):
    waybill_nos = fields.List(
        fields.String(validate=validate.Length(1, 64)), required=True, validate=validate.Length(1, MAX_LABELS)
    )
    format = fields.String(validate=validate.Equal("pdf", error="Only `pdf`."), load_default="pdf")
    size = fields.String(validate=validate.OneOf(tuple(SIZES)), load_default="76x130")
