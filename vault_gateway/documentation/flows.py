"""The flows room, described."""

from __future__ import annotations

from marshmallow import fields

from vault_gateway.documentation.operations import Answer, Operation
from vault_gateway.documentation.shapes import AnswerSchema
from vault_gateway.flows.schemas import FlowsSchema


class FlowLineSchema(AnswerSchema):
    day = fields.String(metadata={"description": "Where `by` names it, like those that follow."})
    origin = fields.String(
        allow_none=True,
        metadata={
            "description": "A province of China, a country, or `unknown`: no sender was given. Null: withheld."
        },
    )
    destination = fields.String(allow_none=True)
    carrier = fields.String(allow_none=True)
    network = fields.String(allow_none=True)
    state = fields.String(allow_none=True)
    time = fields.String(
        allow_none=True,
        metadata={"description": "From acceptance to delivery; `-` for what is not delivered."},
    )
    parcels = fields.Integer(required=True, metadata={"description": "Whole tens.", "minimum": 10})


class FlowPageSchema(AnswerSchema):
    items = fields.List(fields.Nested(FlowLineSchema), required=True)
    next = fields.String(metadata={"description": "Cursor of the following page; absent on the last."})


_LINES = [
    {"origin": "浙江省", "destination": "广东省", "parcels": 12_840},
    {"origin": "浙江省", "destination": None, "parcels": 20},
]

OPERATIONS = (
    Operation(
        method="get",
        path="/v1/stats/flows",
        name="get_flows",
        roles=("merchant", "platform", "carrier", "operator", "auditor"),
        summary="Count parcels by where they go",
        text="Parcels made from one day to another (both included, of the platform's time zone), each in the state that"
        " it is in now. A merchant, a platform and a carrier read their own, an operator and an auditor of all the"
        " whole, another auditor what it was appointed to. `by` chooses what lines are told apart by: `day`, `origin`,"
        " `destination`, `carrier`, `network`, `state`, `time` (from acceptance to delivery); without it there is one"
        " line of all. Counts are whole tens, at least ten, and sums of the same tens whatever is asked: totals agree,"
        " and no two answers, however filtered, tell of fewer. What is too few to be told apart by something is in"
        " lines where that is null, and no filter of it finds it; at most 18 parcels of a day are in none. Shown anew"
        " once a minute.",
        query=FlowsSchema,
        answers={
            200: Answer(
                "Lines in the order of the dimensions above.",
                (FlowPageSchema,),
                examples={"regions": {"items": _LINES}},
            )
        },
        codes=("forbidden", "not_found", "validation_failed"),
    ),
)
