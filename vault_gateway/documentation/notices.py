"""The notices room, described."""

from __future__ import annotations

from marshmallow import fields, validate

from vault_gateway.documentation.codes import OF_BODIES, OF_IDEMPOTENCY
from vault_gateway.documentation.operations import Answer, Operation
from vault_gateway.documentation.shapes import TIME, AnswerSchema, time_field
from vault_gateway.documentation.waybills import NUMBER
from vault_gateway.notices.schemas import NoticeSchema
from vault_gateway.notices.templates import LANGUAGES

_SENDERS = ("station", "courier", "carrier")


class NoticeViewSchema(AnswerSchema):
    notice_id = fields.String(required=True)
    waybill_no = fields.String(required=True)
    template = fields.String(required=True)
    language = fields.String(required=True, validate=validate.OneOf(LANGUAGES))
    state = fields.String(
        required=True,
        validate=validate.OneOf(["queued", "sent", "dead", "cancelled"]),
        metadata={
            "description": "`sent`: the provider took it. `dead`: given up, an operator may try again."
        },
    )
    reason = fields.String(
        metadata={"description": "Why it is not sent (yet): `http_503`, `parcel_over`, `virtual_number`."}
    )
    tries = fields.Integer(required=True)
    created_at = time_field()
    updated_at = time_field()


_NOTICE = {
    "notice_id": "nt_01m74sxx00fdtt5ycrhzdsasqc",
    "waybill_no": NUMBER,
    "template": "ready_for_pickup",
    "language": "zh",
    "state": "queued",
    "tries": 0,
    "created_at": TIME,
    "updated_at": TIME,
}
_WINDOW = {"from": "2026-11-11T09:00:00+08:00", "to": "2026-11-11T21:00:00+08:00"}

OPERATIONS = (
    Operation(
        method="post",
        path="/v1/notices",
        name="send_notice",
        roles=_SENDERS,
        summary="Send the recipient a message",
        text="By a template of `policies/notices.yaml` with typed parameters; you never see the phone. Sent at least"
        " once, with the same id each time; cancelled when the parcel's way is over or the phone erased before, and"
        " where the phone is another platform's virtual number (`virtual_number`), whose extension no message dials.",
        bodies=(NoticeSchema,),
        body_examples={
            "pick-up": {
                "waybill_no": NUMBER,
                "template": "ready_for_pickup",
                "params": {"place": "西湖驿站", "code": "6-2-3041", "window": _WINDOW},
            },
            "courier": {
                "waybill_no": NUMBER,
                "template": "courier_on_the_way",
                "language": "en",
                "params": {"minutes": 20},
            },
        },
        answers={201: Answer("It waits to be sent.", (NoticeViewSchema,), examples={"queued": _NOTICE})},
        codes=(
            "forbidden",
            "not_found",
            *OF_BODIES,
            *OF_IDEMPOTENCY,
            "template_unknown",
            "notices_off",
            "notices_used_up",
        ),
        idempotent=True,
    ),
    Operation(
        method="get",
        path="/v1/notices/{notice}",
        name="get_notice",
        roles=_SENDERS,
        summary="What became of a message",
        text="For whoever sent it, and for the carrier of the parcel.",
        answers={
            200: Answer(
                "The notice.",
                (NoticeViewSchema,),
                examples={"sent": {**_NOTICE, "state": "sent", "tries": 1}},
            )
        },
        codes=("not_found",),
    ),
)
