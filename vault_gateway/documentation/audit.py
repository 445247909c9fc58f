"""The audit room, described."""

from __future__ import annotations

from marshmallow import fields, validate

from vault_gateway.audit.schemas import EventsSchema, ExportSchema
from vault_gateway.documentation.operations import Answer, Operation
from vault_gateway.documentation.shapes import CURSOR, REQUEST_ID, TIME, AnswerSchema, PageSchema, time_field
from vault_gateway.documentation.waybills import NUMBER

_HEX = validate.Regexp(r"\A[0-9a-f]+\Z")


class AuditEventSchema(AnswerSchema):
    id = fields.UUID(required=True)
    time = time_field()
    actor = fields.String(required=True, metadata={"description": "`key:NAME` or `jwt:ISSUER_ID:SUB`."})
    role = fields.String(required=True)
    action = fields.String(required=True)
    outcome = fields.String(required=True, validate=validate.OneOf(["allow", "deny", "error"]))
    policies = fields.List(
        fields.String(), required=True, metadata={"description": "Ids of the policies that decided."}
    )
    request_id = fields.String(required=True)
    ip = fields.String(
        required=True, allow_none=True, metadata={"description": "null for the gateway's own."}
    )
    platform = fields.String()
    merchant = fields.String()
    reason = fields.String(required=True, allow_none=True, metadata={"description": "Why not, or null."})
    resource = fields.String(
        required=True, allow_none=True, metadata={"description": "`reveal:rv_...` and the like, or null."}
    )
    waybill = fields.String()
    order = fields.String()
    orders = fields.List(
        fields.String(),
        metadata={
            "description": "Instead of `order` the orders of a parcel that has several; `order=` finds it by each."
        },
    )
    token = fields.String(metadata={"description": "The token that the event is about, where it is one."})
    tokens = fields.List(
        fields.String(),
        metadata={
            "description": "The tokens that it is about, where they are several; `token=` finds it by each."
        },
    )
    carrier = fields.String()
    station = fields.String()
    purpose = fields.String()
    fields_ = fields.List(
        fields.String(), data_key="fields", metadata={"description": "Names of fields, never values."}
    )
    detail = fields.Dict(keys=fields.String())


class AuditPageSchema(PageSchema):
    items = fields.List(fields.Nested(AuditEventSchema), required=True)


class AuditProofSchema(AuditEventSchema):
    """An event with what is needed to check its commitment: SHA-256(0x01, salt, canonical JSON)."""

    salt = fields.String(required=True, validate=_HEX)
    commitment = fields.String(required=True, validate=_HEX)


_EVENT = {
    "id": "01a1c99e-f400-72bf-8221-c4ef8e3478c9",
    "time": TIME,
    "actor": "key:rider-7",
    "role": "courier",
    "action": "reveal.claim",
    "outcome": "allow",
    "reason": None,
    "policies": ["courier-reveals-assigned-parcels"],
    "request_id": REQUEST_ID,
    "ip": "192.0.2.7",
    "platform": "example-market",
    "merchant": "example-shop",
    "resource": "reveal:rv_01m74sxx00fdtt5ycrhzdsasqc",
    "waybill": NUMBER,
    "carrier": "example-express",
    "purpose": "deliver",
    "tokens": ["nm_01m74sxx00fdtt5ycrhzdsasqc", "ad_01m74sxx00fdtt5ycrhzdsasqd"],
    "fields": ["name", "address"],
}

OPERATIONS = (
    Operation(
        method="get",
        path="/v1/audit/events",
        name="list_events",
        roles=("auditor",),
        summary="Read the access log",
        text="Newest first, with a cursor that stays right while events are written. You see what you were appointed"
        " to: a merchant, a platform, or all. Reading is an event itself. `token` finds what was done with a token: the"
        " request that made it (which names none of its tokens), the parcels made for it, its reveals, the calls and"
        " messages that it was opened for, its erasure.",
        query=EventsSchema,
        answers={
            200: Answer(
                "A page of events.",
                (AuditPageSchema,),
                examples={"page": {"items": [_EVENT], "next": CURSOR}},
            )
        },
        codes=("forbidden", "validation_failed"),
    ),
    Operation(
        method="get",
        path="/v1/audit/events/{event}",
        name="get_event",
        roles=("auditor",),
        summary="Show one event, to be checked",
        text="The event with its salt and commitment.",
        answers={
            200: Answer(
                "The event.",
                (AuditProofSchema,),
                examples={
                    "event": {
                        **_EVENT,
                        "salt": "5f2b8c1d9e0a4736b1c2d3e4f5061728",
                        "commitment": "9c56cc51b374c3ba189210d5b6d4bf57790d351c96c47c02190ecf1e430635ab",
                    }
                },
            )
        },
        codes=("forbidden", "not_found"),
    ),
    Operation(
        method="get",
        path="/v1/audit/export",
        name="export_events",
        roles=("auditor",),
        summary="Take the access log along",
        text="All events of a question as a file, newest first: `jsonl` (each with salt and commitment, for an offline"
        " check), `csv` (no cell is a formula) or `ocsf` (API Activity of OCSF 1.3.0, a line each). The export is an"
        " event itself, on record before the first byte. An answer that breaks off is not whole.",
        query=ExportSchema,
        answers={200: Answer("The events.", media=("application/jsonl", "text/csv"))},
        codes=("forbidden", "validation_failed"),
    ),
)
