"""The couriers room, described."""

from __future__ import annotations

from marshmallow import fields, validate

from vault_gateway.couriers.http import CourierSchema, CouriersSchema, ResumeSchema
from vault_gateway.documentation.codes import OF_BODIES, OF_IDEMPOTENCY, OF_VALUES
from vault_gateway.documentation.operations import Answer, Operation
from vault_gateway.documentation.shapes import MASKED, TIME, AnswerSchema, time_field

PROPERTIES = {
    ("Courier", "phone"): {"type": "string", "maxLength": 64, "description": "In any form; kept only sealed."}
}


class CourierViewSchema(AnswerSchema):
    handle = fields.String(required=True)
    station = fields.String()
    phone = fields.String(metadata={"description": "The mask of the phone."})


class ListedCourierSchema(AnswerSchema):
    handle = fields.String(required=True)
    station = fields.String()
    suspended = fields.Boolean(required=True)
    suspended_at = time_field(required=False)
    suspended_for = fields.String(
        validate=validate.OneOf(["many_recipients", "many_denials"]),
        metadata={"description": "What rang the alarm."},
    )


class CourierPageSchema(AnswerSchema):
    items = fields.List(fields.Nested(ListedCourierSchema), required=True)
    next = fields.String(metadata={"description": "The `cursor` of the next page."})


class ResumedSchema(AnswerSchema):
    handle = fields.String(required=True)
    suspended = fields.Boolean(required=True)


OPERATIONS = (
    Operation(
        method="post",
        path="/v1/couriers",
        name="register_courier",
        roles=("carrier",),
        summary="Register a courier",
        idempotent=True,
        text="Names a courier of yours, or renews one. The phone is tokenised at once; its mask comes back."
        " What you leave out stays as it is, and another phone erases the one before.",
        bodies=(CourierSchema,),
        body_examples={"courier": {"handle": "rider-7"}},
        answers={
            201: Answer(
                "Registered.",
                (CourierViewSchema,),
                examples={"courier": {"handle": "rider-7", "phone": MASKED["phone"]}},
            )
        },
        codes=("forbidden", *OF_BODIES, *OF_IDEMPOTENCY, *OF_VALUES, "station_unknown", "vault_unavailable"),
    ),
    Operation(
        method="get",
        path="/v1/couriers",
        name="list_couriers",
        roles=("carrier", "operator"),
        summary="List couriers",
        text="Your couriers by handle; with `suspended=true` those whom the scraping alarm suspended, since when and"
        " for what. An operator names the `carrier`.",
        query=CouriersSchema,
        answers={
            200: Answer(
                "A page of couriers.",
                (CourierPageSchema,),
                examples={
                    "suspended": {
                        "items": [
                            {
                                "handle": "rider-7",
                                "suspended": True,
                                "suspended_at": TIME,
                                "suspended_for": "many_recipients",
                            }
                        ]
                    }
                },
            )
        },
        codes=("forbidden", "carrier_required", "validation_failed"),
    ),
    Operation(
        method="delete",
        path="/v1/couriers/{handle}",
        name="remove_courier",
        roles=("carrier",),
        summary="Remove a courier",
        text="The handle is nobody's from now on, and its phone is erased.",
        answers={204: Answer("Removed.")},
        codes=("forbidden", "not_found"),
    ),
    Operation(
        method="post",
        path="/v1/couriers/{handle}/resume",
        name="resume_courier",
        roles=("carrier", "operator"),
        summary="Lift a courier's suspension",
        text="A courier with far more recipients or denials in a day than is usual for it is suspended by the gateway:"
        " it reveals nothing, and grants that it has do not open. Once you know why, lift it; the alarm counts anew"
        " from here. An operator names the `carrier`.",
        bodies=(ResumeSchema,),
        body_examples={"own courier": {}, "by an operator": {"carrier": "example-express"}},
        answers={
            200: Answer(
                "Lifted; it holds everywhere within 5 seconds.",
                (ResumedSchema,),
                examples={"resumed": {"handle": "rider-7", "suspended": False}},
            )
        },
        codes=("forbidden", "not_found", *OF_BODIES, "carrier_required", "courier_not_suspended"),
    ),
)
