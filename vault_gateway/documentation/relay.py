"""The relay room, described: what the owner of the numbers asks and reports."""

from __future__ import annotations

from marshmallow import fields, validate

from vault_gateway.documentation.codes import OF_BODIES, OF_IDEMPOTENCY
from vault_gateway.documentation.operations import Answer, Operation
from vault_gateway.documentation.shapes import TIME, AnswerSchema, time_field
from vault_gateway.documentation.waybills import NUMBER
from vault_gateway.relay.schemas import PoolSchema, RecordSchema, RouteSchema
from vault_gateway.waybills.schemas import BindingSchema

_TELECOM = ("telecom",)


class ConnectSchema(AnswerSchema):
    action = fields.String(required=True, validate=validate.Equal("connect"))
    destination = fields.String(
        required=True, metadata={"description": "E.164. Dial it, tell and keep it nowhere."}
    )
    extension = fields.String(
        metadata={
            "description": "To be dialled after the answer (before a message): the destination is another platform's"
            " virtual number."
        }
    )
    display = fields.String(required=True, metadata={"description": "The number to show: the relay number."})
    binding_id = fields.String(required=True)
    max_seconds = fields.Integer(required=True)
    text = fields.String(metadata={"description": "The message to pass on, phone numbers in it masked."})


class AskExtensionSchema(AnswerSchema):
    action = fields.String(required=True, validate=validate.Equal("ask_extension"))
    digits = fields.Integer(required=True, metadata={"description": "How many digits an extension has here."})


class RejectSchema(AnswerSchema):
    action = fields.String(required=True, validate=validate.Equal("reject"))
    reason = fields.String(
        required=True,
        metadata={
            "description": "`no_binding`: nobody has this extension. `unknown_caller`: a pair knows two callers."
            " `expired`, `cooling`: this parcel is closed. `blocked`: too many wrong extensions; who hides the"
            " number may call again and show it. `quota`: the telecom owes call records."
        },
    )


class PoolItemSchema(AnswerSchema):
    mode = fields.String(required=True, validate=validate.OneOf(["extension", "axb"]))
    region = fields.String(
        metadata={"description": "City or province; absent for numbers that serve everywhere."}
    )
    numbers = fields.Integer(required=True)
    capacity = fields.Integer(required=True, metadata={"description": "Parcels that the numbers can hold."})
    live = fields.Integer(required=True)
    cooling = fields.Integer(required=True, metadata={"description": "Released, and nobody's until rested."})
    free = fields.Integer(required=True)
    days_to_exhaustion = fields.Float(
        metadata={"description": "At the rate of the last day; absent while the pool does not shrink."}
    )


class PoolViewSchema(AnswerSchema):
    items = fields.List(fields.Nested(PoolItemSchema), required=True)


class RecordTakenSchema(AnswerSchema):
    call_id = fields.String(required=True)
    type = fields.String(required=True)


class BindingViewSchema(AnswerSchema):
    binding_id = fields.String(required=True)
    waybill_no = fields.String(required=True)
    mode = fields.String(required=True, validate=validate.OneOf(["extension", "axb"]))
    number = fields.String(required=True)
    extension = fields.String()
    expires_at = time_field()


class BindingWithCallsSchema(BindingViewSchema):
    calls = fields.List(
        fields.Dict(keys=fields.String()),
        required=True,
        metadata={"description": "When, by which medium, for how many seconds; never between whom."},
    )


_RELAY_NUMBER, _CALLER = "+12025550100", "+12025550123"

_BINDING = {
    "binding_id": "rb_01m74sxx00fdtt5ycrhzdsasqc",
    "waybill_no": NUMBER,
    "mode": "extension",
    "number": _RELAY_NUMBER,
    "extension": "471123",
    "expires_at": TIME,
}
_OWNERS_AND_COURIER = ("courier", "merchant", "platform")

_POOL = {"mode": "extension", "region": "杭州市", "numbers": 40, "capacity": 4_000_000}

OPERATIONS = (
    Operation(
        method="get",
        path="/v1/relay/pool",
        name="get_pool",
        roles=("operator",),
        summary="How full the pool of relay numbers is",
        text="By mode and region, counted at most once a minute.",
        answers={
            200: Answer(
                "The pool.",
                (PoolViewSchema,),
                examples={
                    "hangzhou": {
                        "items": [
                            {
                                **_POOL,
                                "live": 1_200_000,
                                "cooling": 2_300_000,
                                "free": 500_000,
                                "days_to_exhaustion": 12.5,
                            }
                        ]
                    }
                },
            )
        },
        query=PoolSchema,
        codes=("forbidden", "validation_failed"),
    ),
    Operation(
        method="post",
        path="/v1/relay/bindings",
        name="bind",
        roles=_OWNERS_AND_COURIER,
        summary="Get a relay number for a parcel",
        text="`extension`: a number and an extension for whoever holds the label. `axb`: between the recipient and the"
        " courier's registered phone, or for the owner of the order the merchant's service number. The live one comes"
        " back where there is one. With `expires_at` it ends then, if nothing more is heard of the parcel: an event"
        " extends it, and an extension comes back with an event or when a courier asks and there is no pair. For good"
        " it ends when it is deleted.",
        bodies=(BindingSchema,),
        body_examples={"pair": {"waybill_no": NUMBER, "mode": "axb"}, "extension": {"waybill_no": NUMBER}},
        answers={201: Answer("The number.", (BindingViewSchema,), examples={"extension": _BINDING})},
        codes=(
            "forbidden",
            "not_found",
            *OF_BODIES,
            "illegal_transition",
            "expires_at_invalid",
            "mode_not_allowed",
            "phone_not_registered",
            "bindings_used_up",
            "relay_pool_exhausted",
            *OF_IDEMPOTENCY,
        ),
        idempotent=True,
    ),
    Operation(
        method="get",
        path="/v1/relay/bindings/{binding}",
        name="get_binding",
        roles=("merchant", "platform"),
        summary="Show a relay number and its calls",
        text="When calls were made and for how long; never between whom.",
        answers={
            200: Answer(
                "The number.", (BindingWithCallsSchema,), examples={"quiet": {**_BINDING, "calls": []}}
            )
        },
        codes=("forbidden", "not_found"),
    ),
    Operation(
        method="delete",
        path="/v1/relay/bindings/{binding}",
        name="release",
        roles=("merchant", "platform"),
        summary="Close a relay number",
        text="At once. It rests before anybody else gets it, and closing it unlocks nothing.",
        answers={204: Answer("Closed.")},
        codes=("forbidden", "not_found"),
    ),
    Operation(
        method="post",
        path="/v1/relay/route",
        name="route_call",
        roles=_TELECOM,
        summary="Where does this call or message go?",
        text="For a call or a message to one of your relay numbers: connect it, ask for the extension, or reject it."
        " The number is never connected to a previous or a different parcel's recipient.",
        bodies=(RouteSchema,),
        body_examples={
            "call": {
                "call_id": "call-1024",
                "medium": "voice",
                "caller": _CALLER,
                "called": _RELAY_NUMBER,
                "extension": "471123",
            }
        },
        answers={
            200: Answer(
                "What to do.",
                (ConnectSchema, AskExtensionSchema, RejectSchema),
                examples={
                    "connect": {
                        "action": "connect",
                        "destination": "+12025550145",
                        "display": _RELAY_NUMBER,
                        "binding_id": "rb_01m74sxx00fdtt5ycrhzdsasqc",
                        "max_seconds": 3600,
                    },
                    "ask": {"action": "ask_extension", "digits": 6},
                    "reject": {"action": "reject", "reason": "no_binding"},
                },
            )
        },
        codes=("not_found", *OF_BODIES, "too_slow", "vault_unavailable"),
    ),
    Operation(
        method="post",
        path="/v1/relay/events",
        name="take_record",
        roles=_TELECOM,
        summary="Report what became of a call",
        text="Idempotent by `call_id` and `type`: duplicates, disorder and repeats are normal. Calls that are"
        " connected and never reported end in `reject`.",
        bodies=(RecordSchema,),
        body_examples={"end": {"call_id": "call-1024", "type": "end", "at": TIME}},
        answers={
            200: Answer(
                "Taken.", (RecordTakenSchema,), examples={"end": {"call_id": "call-1024", "type": "end"}}
            )
        },
        codes=("not_found", *OF_BODIES, "event_in_future", "vault_unavailable"),
    ),
)
