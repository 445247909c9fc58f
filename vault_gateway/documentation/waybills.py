"""The waybills room, described."""

from __future__ import annotations

from marshmallow import fields, validate

from vault_gateway.documentation.codes import OF_BODIES, OF_IDEMPOTENCY
from vault_gateway.documentation.operations import Answer, Operation
from vault_gateway.documentation.shapes import (
    CURSOR,
    MASKED,
    RECIPIENT,
    TIME,
    AnswerSchema,
    ItemErrorSchema,
    ItemOnlyErrorSchema,
    MaskedPartySchema,
    PageSchema,
    time_field,
)
from vault_gateway.waybills.schemas import (
    CorrectionSchema,
    CounterSearchSchema,
    EventSchema,
    ListSchema,
    ManyWaybillsSchema,
    OneWaybillSchema,
)
from vault_gateway.waybills.states import State

_OWNERS = ("merchant", "platform")
_PARCEL = ("forbidden", "not_found")
_GROUND = (*_PARCEL, "merchant_required", "validation_failed")


class LabelSchema(AnswerSchema):
    barcode = fields.String(required=True)
    recipient = fields.String(required=True)
    address = fields.String(required=True)
    carrier = fields.String(required=True)
    routing_code = fields.String()
    call = fields.String(metadata={"description": "Relay number and extension, where the parcel has them."})
    orders = fields.String(metadata={"description": "How many orders are in the parcel, where several are."})


class ParcelRelaySchema(AnswerSchema):
    """The number that lives, or the `error` why there is none though one was asked for."""

    number = fields.String()
    extension = fields.String()
    expires_at = time_field(required=False)
    error = fields.Nested(ItemErrorSchema)


class WaybillViewSchema(AnswerSchema):
    waybill_no = fields.String(required=True)
    network = fields.String(required=True)
    carrier = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf([state.value for state in State]))
    recipient = fields.Nested(MaskedPartySchema, required=True)
    sender = fields.Nested(MaskedPartySchema)
    created_at = time_field()
    updated_at = time_field()
    courier = fields.String(metadata={"description": "The handle of the courier that has the parcel."})
    station = fields.String()
    deliver_by = time_field(required=False, description="End of the delivery window.")
    receipt = fields.String(
        metadata={
            "description": "The recipient's code, for whoever the order is: what was looked at, by whom."
        }
    )
    order = fields.String(metadata={"description": "The first, where several are in the parcel."})
    orders = fields.List(
        fields.String(), metadata={"description": "All orders in the parcel, where several were merged."}
    )
    merged = fields.List(
        fields.Integer(),
        metadata={
            "description": "In the answer to a batch with `merge`: the places, from 0, of the items that became this"
            " parcel."
        },
    )
    routing_code = fields.String(
        metadata={
            "description": "What the carrier sorts by, of the recipient's region, where its table has one."
        }
    )
    relay = fields.Nested(ParcelRelaySchema)
    label = fields.Nested(
        LabelSchema, required=True, metadata={"description": "The lines a label shows: masks, nothing else."}
    )


class WaybillPageSchema(PageSchema):
    items = fields.List(fields.Nested(WaybillViewSchema), required=True)


class CounterSchema(AnswerSchema):
    items = fields.List(fields.Nested(WaybillViewSchema), required=True)
    more = fields.Boolean(required=True, metadata={"description": "More parcels match than are shown."})


class WaybillBatchSchema(AnswerSchema):
    items = fields.List(fields.Raw(), required=True, metadata={"description": "In the order of the request."})


EITHER = {"WaybillBatch": (WaybillViewSchema, ItemOnlyErrorSchema)}

NUMBER = "DYT20261111000042"
_VIEW = {
    "waybill_no": NUMBER,
    "network": "douyin",
    "carrier": "example-express",
    "state": "created",
    "recipient": MASKED,
    "created_at": TIME,
    "updated_at": TIME,
    "receipt": "rc_01m74sxx00e0bsd4q3g5gjje8w",
    "order": "SO-1024",
    "label": {
        "barcode": NUMBER,
        "recipient": f"{MASKED['name']} {MASKED['phone']}",
        "address": MASKED["address"],
        "carrier": "example-express",
    },
}
_MERGED = {**_VIEW, "orders": ["SO-1024", "SO-1025"], "merged": [0, 1]}
_ASSIGNED = {
    **{name: value for name, value in _VIEW.items() if name not in ("receipt", "order")},
    "state": "out_for_delivery",
    "courier": "rider-7",
    "deliver_by": "2026-11-12T08:00:00Z",
}
_WAITING = {**_ASSIGNED, "state": "at_station", "station": "west-lake"}
del _WAITING["courier"]
_ORDER = {"network": "douyin", "carrier": "example-express", "recipient": RECIPIENT, "order": "SO-1024"}
_REFUSED = {"error": {"code": "carrier_unknown", "detail": "There is no such carrier."}}

OPERATIONS = (
    Operation(
        method="post",
        path="/v1/stations/{station}/parcels/search",
        name="search_counter",
        roles=("station",),
        summary="Find the parcels of the person at the counter",
        text="Those that wait at your own station for a phone that ends in the four digits that the person says,"
        " masked. Each search is in the access log, and digits that no parcel has are counted.",
        bodies=(CounterSearchSchema,),
        body_examples={"digits": {"last4": "1234"}},
        answers={
            200: Answer(
                "What waits, newest first.",
                (CounterSchema,),
                examples={"one": {"items": [_WAITING], "more": False}},
            )
        },
        codes=("not_found", *OF_BODIES),
    ),
    Operation(
        method="post",
        path="/v1/waybills",
        name="create_waybills",
        roles=_OWNERS,
        summary="Make waybills",
        text="A parcel for a recipient given in tokens. Without `waybill_no` a number is taken from the merchant's"
        " segments (`branch` chooses among them), or made up by the network's test rule where none is granted. One"
        " waybill, or up to 1,000 as `items`; a batch answers item by item, a misshapen one too. With `merge` items"
        " go in one parcel, up to 100, where recipient and sender are the same by `/v1/tokens/match` and network,"
        " carrier, branch, number and relay to the letter: one number, one fee. Each of them is answered with that"
        " parcel. A repeated request (`Idempotency-Key`) gets the same waybills and errors in the same places, each in"
        " its first state and with its first times; recipient, sender, routing code and relay number are shown as they"
        " are now, for nothing of a person is kept with the key: a correction shows, an erased value is `***`.",
        bodies=(OneWaybillSchema, ManyWaybillsSchema),
        body_examples={
            "one": _ORDER,
            "many": {"items": [_ORDER, _ORDER]},
            "merged": {"merge": True, "items": [_ORDER, {**_ORDER, "order": "SO-1025"}]},
        },
        idempotent=True,
        answers={
            201: Answer(
                "Made: one waybill, or all of a batch.",
                (WaybillViewSchema, WaybillBatchSchema),
                examples={
                    "one": _VIEW,
                    "many": {"items": [_VIEW]},
                    "merged": {"items": [_MERGED, _MERGED]},
                },
            ),
            207: Answer(
                "Some of a batch were made.",
                (WaybillBatchSchema,),
                examples={"some": {"items": [_VIEW, _REFUSED]}},
            ),
            422: Answer(
                "None of a batch was made.", (WaybillBatchSchema,), examples={"none": {"items": [_REFUSED]}}
            ),
        },
        codes=(
            *_GROUND,
            *OF_BODIES,
            *OF_IDEMPOTENCY,
            "network_unknown",
            "carrier_unknown",
            "carrier_not_served",
            "token_unknown",
            "waybill_no_unusable",
            "segment_exhausted",
        ),
    ),
    Operation(
        method="get",
        path="/v1/waybills",
        name="list_waybills",
        roles=("merchant", "platform", "carrier", "station", "courier"),
        summary="List parcels",
        text="A merchant and its platform see the merchant's parcels; a carrier sees all that it carries, a station"
        " those it holds, a courier those assigned to it. Newest first.",
        query=ListSchema,
        answers={
            200: Answer(
                "A page of parcels.",
                (WaybillPageSchema,),
                examples={"page": {"items": [_VIEW], "next": CURSOR}},
            )
        },
        codes=_GROUND,
    ),
    Operation(
        method="get",
        path="/v1/waybills/{waybill_no}",
        name="get_waybill",
        roles=("merchant", "platform", "carrier", "station", "courier"),
        summary="Show a parcel",
        text="Masks for everyone who may see the parcel; order and receipt code only for whose order it is.",
        answers={
            200: Answer("The parcel.", (WaybillViewSchema,), examples={"owner": _VIEW, "courier": _ASSIGNED})
        },
        codes=_PARCEL,
    ),
    Operation(
        method="post",
        path="/v1/waybills/{waybill_no}/cancel",
        name="cancel_waybill",
        roles=_OWNERS,
        summary="Cancel a parcel",
        text="Until it is on its way. The number is free again; one of a segment goes back into it, before the carrier"
        " has accepted the parcel and as far as the network's rule lets it.",
        answers={
            200: Answer(
                "Cancelled.", (WaybillViewSchema,), examples={"cancelled": {**_VIEW, "state": "cancelled"}}
            )
        },
        codes=(*_PARCEL, "illegal_transition"),
    ),
    Operation(
        method="patch",
        path="/v1/waybills/{waybill_no}",
        name="correct_waybill",
        roles=_OWNERS,
        summary="Correct the recipient",
        text="Other tokens, as long as the carrier has not accepted the parcel.",
        bodies=(CorrectionSchema,),
        body_examples={"recipient": {"recipient": RECIPIENT}},
        answers={200: Answer("Corrected.", (WaybillViewSchema,), examples={"corrected": _VIEW})},
        codes=(*_PARCEL, *OF_BODIES, "illegal_transition", "token_unknown"),
    ),
    Operation(
        method="post",
        path="/v1/waybills/{waybill_no}/events",
        name="record_event",
        roles=("carrier",),
        summary="Report what happened to a parcel",
        text="`out_for_delivery` names the `courier` that has the parcel, who alone may then reveal the recipient"
        " until `deliver_by` (24 hours where none is given); `at_station` names the `station`.",
        bodies=(EventSchema,),
        body_examples={
            "accepted": {"type": "accepted"},
            "out for delivery": {"type": "out_for_delivery", "courier": "rider-7"},
            "at a station": {"type": "at_station", "station": "west-lake"},
        },
        idempotent=True,
        answers={201: Answer("The parcel as it is now.", (WaybillViewSchema,), examples={"out": _ASSIGNED})},
        codes=(
            *_PARCEL,
            *OF_BODIES,
            *OF_IDEMPOTENCY,
            "illegal_transition",
            "event_in_future",
            "courier_required",
            "courier_unknown",
            "deliver_by_invalid",
            "station_required",
            "station_unknown",
        ),
    ),
)
