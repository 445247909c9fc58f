"""The webhooks room, described."""

from __future__ import annotations

from marshmallow import fields, validate

from vault_gateway.documentation.codes import OF_BODIES, OF_IDEMPOTENCY
from vault_gateway.documentation.operations import Answer, Operation
from vault_gateway.documentation.shapes import TIME, AnswerSchema, PageSchema, time_field
from vault_gateway.waybills.states import State
from vault_gateway.webhooks.schemas import WebhookSchema


class WebhookViewSchema(AnswerSchema):
    webhook_id = fields.String(required=True)
    url = fields.String(required=True)
    created_at = time_field()
    events = fields.List(
        fields.String(validate=validate.OneOf([state.value for state in State])),
        metadata={"description": "Absent for all."},
    )


class NewWebhookSchema(WebhookViewSchema):
    secret = fields.String(
        required=True, metadata={"description": "Signs the events. Shown now and never again: keep it."}
    )


class WebhookStateSchema(WebhookViewSchema):
    waiting = fields.Integer(required=True, metadata={"description": "Events not yet taken."})
    dead = fields.Integer(
        required=True, metadata={"description": "Events given up after a day, in the last seven days."}
    )


class WebhookPageSchema(PageSchema):
    items = fields.List(fields.Nested(WebhookStateSchema), required=True)


_OWNERS = ("merchant", "platform")
_VIEW = {
    "webhook_id": "wh_01m74sxx00fdtt5ycrhzdsasqc",
    "url": "https://shop.example/parcels",
    "created_at": TIME,
    "events": ["delivered"],
}

OPERATIONS = (
    Operation(
        method="post",
        path="/v1/webhooks",
        name="create_webhook",
        roles=_OWNERS,
        summary="Be told of parcels",
        text="Each event of your parcels (a platform: of all its merchants') is POSTed to `url` as"
        " `{id, type, time, waybill_no, network, carrier, merchant}`: nothing of a person. `type` is the state that"
        " the parcel came to. Signed as in Standard Webhooks: `Webhook-Id`, `Webhook-Timestamp`,"
        " `Webhook-Signature`; the Python client checks it with `webhooks.verify`. Answer 2xx within five seconds;"
        " anything else comes again, later and later, for a day. An event may come twice, with the same id; those of"
        " one parcel come in order. Redirects are not followed, and the host has to be on the public internet.",
        bodies=(WebhookSchema,),
        body_examples={"delivered": {"url": "https://shop.example/parcels", "events": ["delivered"]}},
        idempotent=True,
        answers={
            201: Answer(
                "Made, with its secret.",
                (NewWebhookSchema,),
                examples={"made": {**_VIEW, "secret": "whsec_KqE8zwBYkXNzmJb5tS5vUzbRPcy9Q1D3hJc4c8gV0pQ="}},
            )
        },
        codes=("forbidden", *OF_BODIES, *OF_IDEMPOTENCY, "webhook_url_refused", "webhook_limit"),
    ),
    Operation(
        method="get",
        path="/v1/webhooks",
        name="list_webhooks",
        roles=_OWNERS,
        summary="List webhooks",
        text="Your own, with how many events wait for each. After many were given up, ask"
        " `GET /v1/waybills?since=` for what was missed.",
        answers={
            200: Answer(
                "The webhooks.",
                (WebhookPageSchema,),
                examples={"one": {"items": [{**_VIEW, "waiting": 0, "dead": 0}]}},
            )
        },
        codes=("forbidden",),
    ),
    Operation(
        method="delete",
        path="/v1/webhooks/{webhook}",
        name="remove_webhook",
        roles=_OWNERS,
        summary="Remove a webhook",
        text="What waits for it is dropped.",
        answers={204: Answer("Removed.")},
        codes=("forbidden", "not_found"),
    ),
)
