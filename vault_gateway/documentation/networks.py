"""The networks room, described."""

from __future__ import annotations

from marshmallow import fields

from vault_gateway.documentation.operations import Answer, Operation
from vault_gateway.documentation.shapes import TIME, AnswerSchema, time_field
from vault_gateway.shapes import TenantSchema


class SegmentSchema(AnswerSchema):
    network = fields.String(required=True)
    carrier = fields.String(required=True)
    branch = fields.String(
        required=True, metadata={"description": "The carrier's branch that collects there."}
    )
    first = fields.String(required=True)
    last = fields.String(required=True)
    available = fields.Integer(
        required=True, metadata={"description": "Left, those that came back included."}
    )
    issued = fields.Integer(required=True, metadata={"description": "One that went out again counts again."})
    cancelled = fields.Integer(required=True)
    recycled = fields.Integer(
        required=True, metadata={"description": "Came back by cancelling, as the network's rule has it."}
    )
    low = fields.Boolean(required=True, metadata={"description": "No more are left than the low-water mark."})
    granted_at = time_field()


class SegmentListSchema(AnswerSchema):
    items = fields.List(fields.Nested(SegmentSchema), required=True)


_SEGMENT = {
    "network": "douyin",
    "carrier": "example-express",
    "branch": "hangzhou-1",
    "first": "YT6000000000000",
    "last": "YT6000000099999",
    "available": 99_001,
    "issued": 1_000,
    "cancelled": 2,
    "recycled": 1,
    "low": False,
    "granted_at": TIME,
}

OPERATIONS = (
    Operation(
        method="get",
        path="/v1/segments",
        name="list_segments",
        roles=("merchant", "platform"),
        summary="See what is left of the numbers",
        text="The ranges of waybill numbers that an operator granted the merchant. Waybills of that network and carrier"
        " take their numbers from them; where none is granted, numbers are made up by the network's test rule.",
        query=TenantSchema,
        answers={
            200: Answer("All of them.", (SegmentListSchema,), examples={"segments": {"items": [_SEGMENT]}})
        },
        codes=("forbidden", "not_found", "merchant_required", "validation_failed"),
    ),
)
