"""Break-glass, described."""

from __future__ import annotations

from marshmallow import fields, validate

from vault_gateway.documentation.codes import OF_BODIES
from vault_gateway.documentation.operations import Answer, Operation
from vault_gateway.documentation.shapes import CURSOR, PHONE, TIME, AnswerSchema, PageSchema, time_field
from vault_gateway.documentation.waybills import NUMBER
from vault_gateway.reveals.breakglass.justification import LONGEST, MOST_DIGITS, SHORTEST
from vault_gateway.reveals.breakglass.requests import State
from vault_gateway.reveals.breakglass.schemas import ApprovalSchema, BreakGlassListSchema, BreakGlassSchema
from vault_gateway.reveals.machine import State as GrantState
from vault_gateway.reveals.purposes import FIELDS


class BreakGlassApprovalSchema(AnswerSchema):
    approved_by = fields.String(required=True)
    reason = fields.String(required=True)
    approved_at = time_field()


class BreakGlassGrantSchema(AnswerSchema):
    """To be claimed by the one who asked, at `/v1/reveals/{reveal}/claim` with a `public_key`."""

    reveal_id = fields.String(required=True)
    fields_ = fields.List(fields.String(validate=validate.OneOf(FIELDS)), required=True, data_key="fields")
    state = fields.String(required=True, validate=validate.OneOf([state.value for state in GrantState]))
    released = fields.Integer(required=True, metadata={"description": "How often values were sent."})
    expires_at = time_field()


class BreakGlassViewSchema(AnswerSchema):
    break_glass_id = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf([state.value for state in State]))
    waybill_no = fields.String()
    token = fields.String()
    requested_by = fields.String(required=True, metadata={"description": "`jwt:ISSUER:sub`."})
    reason = fields.String(required=True)
    requested_at = time_field()
    expires_at = time_field(description="Until when it can be approved.")
    approval = fields.Nested(BreakGlassApprovalSchema)
    reveal = fields.Nested(BreakGlassGrantSchema)


class BreakGlassPageSchema(PageSchema):
    items = fields.List(fields.Nested(BreakGlassViewSchema), required=True)


_ID = "bg_01m74sxx00fdtt5ycrhzdsasqc"
_UNTIL = "2026-11-11T08:15:00.120000Z"
_WHY = "Courier reports a fire at the door, nobody answers"
_REQUESTED = {
    "break_glass_id": _ID,
    "state": "requested",
    "requested_by": "jwt:i7:mei",
    "reason": _WHY,
    "requested_at": TIME,
    "expires_at": _UNTIL,
    "waybill_no": NUMBER,
}
_APPROVED = {
    **_REQUESTED,
    "state": "approved",
    "approval": {
        "approved_by": "jwt:i7:lan",
        "reason": "Confirmed with the fire brigade",
        "approved_at": TIME,
    },
    "reveal": {
        "reveal_id": "rv_01m74sxx00fdtt5ycrhzdsasqc",
        "fields": ["name", "phone", "address"],
        "state": "issued",
        "released": 0,
        "expires_at": _UNTIL,
    },
}
_REASON = (
    f" `reason`: {SHORTEST} to {LONGEST} letters, digits and plain punctuation, no more than {MOST_DIGITS} digits in"
    " all. It stays in the access log for good: name nobody in it."
)

OPERATIONS = (
    Operation(
        method="post",
        path="/v1/break-glass",
        name="request_break_glass",
        roles=("responder",),
        summary="Ask for a break-glass reveal",
        text="In an emergency: name, phone and address of a parcel's recipient, whatever state the parcel is in, or one"
        " `token` alone. Another responder of your issuer approves within 15 minutes where nothing else is set."
        f"{_REASON}\n\nYou take part five times a day (UTC), asking or approving, where nothing else is set. Auditors"
        " see it apart, the recipient sees it later. Nothing is stored for an `Idempotency-Key`.",
        bodies=(BreakGlassSchema,),
        body_examples={
            "a parcel's recipient": {"waybill_no": NUMBER, "reason": _WHY},
            "one token": {"token": PHONE, "reason": _WHY},
        },
        answers={
            201: Answer(
                "Asked. Ask a colleague to approve it.",
                (BreakGlassViewSchema,),
                examples={"requested": _REQUESTED},
            )
        },
        codes=("forbidden", "not_found", "break_glass_limit", *OF_BODIES),
    ),
    Operation(
        method="post",
        path="/v1/break-glass/{break_glass}/approve",
        name="approve_break_glass",
        roles=("responder",),
        summary="Approve a colleague's break-glass",
        text="The one who asked may then claim `reveal` like any other, with a `public_key`, within 15 minutes where"
        " nothing else is set. Revoking the issuer, or the token by which one of the two asked or approved, ends it."
        f"{_REASON}",
        bodies=(ApprovalSchema,),
        body_examples={"reason": {"reason": "Confirmed with the fire brigade"}},
        answers={200: Answer("Approved.", (BreakGlassViewSchema,), examples={"approved": _APPROVED})},
        codes=("not_found", "own_request", "break_glass_closed", "break_glass_limit", *OF_BODIES),
    ),
    Operation(
        method="get",
        path="/v1/break-glass",
        name="list_break_glass",
        roles=("responder", "auditor"),
        summary="List break-glass requests",
        text="Newest first, states only: a responder sees those of its issuer, an auditor those of what it was"
        " appointed to. Looking is an event itself.",
        query=BreakGlassListSchema,
        answers={
            200: Answer(
                "A page of requests.",
                (BreakGlassPageSchema,),
                examples={"page": {"items": [_APPROVED, _REQUESTED], "next": CURSOR}},
            )
        },
        codes=("forbidden", "validation_failed"),
    ),
    Operation(
        method="get",
        path="/v1/break-glass/{break_glass}",
        name="get_break_glass",
        roles=("responder", "operator"),
        summary="Show a break-glass request",
        text="Who asked, why, who approved, and the state of its `reveal`. Reading opens nothing.",
        answers={
            200: Answer(
                "The request.",
                (BreakGlassViewSchema,),
                examples={"requested": _REQUESTED, "approved": _APPROVED},
            )
        },
        codes=("not_found",),
    ),
)
