"""The usage room, described."""

from __future__ import annotations

from marshmallow import fields

from vault_gateway.documentation.operations import JSON, Answer, Operation
from vault_gateway.documentation.shapes import AnswerSchema, PageSchema
from vault_gateway.usage.schemas import UsageSchema


class UsageLineSchema(AnswerSchema):
    month = fields.String(required=True)
    network = fields.String()
    carrier = fields.String()
    platform = fields.String()
    merchant = fields.String()
    issued = fields.Integer(required=True, metadata={"description": "Sheets issued in the month."})
    cancelled = fields.Integer(required=True, metadata={"description": "Of those, cancelled since."})
    recycled = fields.Integer(
        required=True, metadata={"description": "Of those, taken off by the network's rule."}
    )
    counted = fields.Integer(
        required=True, metadata={"description": "Issued less recycled: what is owed for."}
    )
    fee = fields.String(metadata={"description": "For a sheet; absent where the network had none then."})
    currency = fields.String()
    payer = fields.String(metadata={"description": "Who owes it: carrier, merchant or platform."})
    amount = fields.String(metadata={"description": "`counted` times `fee`, exact."})


class UsagePageSchema(PageSchema):
    items = fields.List(fields.Nested(UsageLineSchema), required=True)


_LINE = {
    "month": "2026-11",
    "network": "cainiao",
    "carrier": "example-express",
    "issued": 1204,
    "cancelled": 5,
    "recycled": 4,
    "counted": 1200,
    "fee": "0.01",
    "currency": "CNY",
    "payer": "carrier",
    "amount": "12.00",
}

OPERATIONS = (
    Operation(
        method="get",
        path="/v1/usage",
        name="get_usage",
        roles=("merchant", "platform", "carrier", "operator"),
        summary="Count sheets and fees",
        text="Waybills of a month (days of the platform's time zone) and what is owed for them, exact to the sheet:"
        " each is counted in the transaction that issued it, whether of a segment or by the network's test rule; one"
        " whose number was brought from outside was issued there, and is not in it. A merchant sees its own, a platform"
        " its merchants', a carrier its own by network, an operator all. `by` chooses what lines are told apart by."
        " A sheet stays with the day it was issued on, so a past month still falls while its parcels can be cancelled.",
        query=UsageSchema,
        answers={
            200: Answer(
                "A line for each fee and each of what `by` names; or the same as CSV.",
                (UsagePageSchema,),
                examples={"month": {"items": [_LINE]}},
                media=(JSON, "text/csv"),
            )
        },
        codes=("forbidden", "not_found", "validation_failed", "too_many_lines"),
    ),
)
