"""The routes room, described."""

from __future__ import annotations

from marshmallow import fields

from vault_gateway.documentation.codes import OF_IDEMPOTENCY
from vault_gateway.documentation.operations import Answer, Operation
from vault_gateway.documentation.shapes import AnswerSchema

_TABLE = """\
province,city,district,township,code
浙江,杭州,,,571
浙江,杭州,西湖区,,571-A12
浙江,杭州,西湖区,转塘街道,571-A12-07
"""


class RoutesReplacedSchema(AnswerSchema):
    carrier = fields.String(required=True)
    version = fields.Integer(required=True)
    rows = fields.Integer(required=True)


OPERATIONS = (
    Operation(
        method="post",
        path="/v1/carriers/{carrier}/routes",
        name="replace_routes",
        roles=("carrier",),
        summary="Replace your routing codes",
        text="A table from region prefix to code (三段码), so that sorting needs no address: parcels made now, or"
        " given another recipient, carry the code of the longest prefix in `routing_code` and on the label. Up to"
        " 50,000 rows; names in full or short, as in addresses; empty levels at the end. The whole table is replaced at"
        " once, or not at all: `errors` points at each line that names no known region, at most a hundred of them.",
        text_body=("text/csv", _TABLE),
        idempotent=True,
        answers={
            201: Answer(
                "Replaced.",
                (RoutesReplacedSchema,),
                examples={"replaced": {"carrier": "example-express", "version": 2, "rows": 3}},
            )
        },
        codes=(
            "forbidden",
            "not_found",
            "bad_request",
            "body_too_large",
            "unsupported_media_type",
            "validation_failed",
            *OF_IDEMPOTENCY,
        ),
    ),
)
