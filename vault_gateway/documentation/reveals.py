"""The reveals room, described."""

from __future__ import annotations

from marshmallow import fields, validate

from vault_gateway.documentation.codes import OF_BODIES, OF_IDEMPOTENCY
from vault_gateway.documentation.operations import Answer, Operation
from vault_gateway.documentation.shapes import TIME, AnswerSchema, ItemErrorSchema, time_field
from vault_gateway.documentation.waybills import NUMBER
from vault_gateway.reveals.machine import BREAK_GLASS, State
from vault_gateway.reveals.purposes import FIELDS
from vault_gateway.reveals.schemas import AckSchema, ClaimSchema, ManyRevealsSchema, OneRevealSchema

_HOLDERS = ("courier", "station")
_DENIED = (
    "forbidden",
    "not_found",
    "courier_suspended",
    "not_out_for_delivery",
    "delivery_window_over",
    "not_at_station",
)


class SealedSchema(AnswerSchema):
    enc = fields.String(required=True, metadata={"description": "The encapsulated key: 32 bytes in base64."})
    ciphertext = fields.String(
        required=True, metadata={"description": "Base64. Inside: `fields` and `ack_code`, as JSON."}
    )


class AddressInClearSchema(AnswerSchema):
    country = fields.String()
    province = fields.String()
    city = fields.String()
    district = fields.String()
    township = fields.String()
    street = fields.String(metadata={"description": "For `sort`: the address cut at the street."})
    detail = fields.String()
    postcode = fields.String()


class ValuesSchema(AnswerSchema):
    """Only the fields of the grant are there."""

    name = fields.String()
    phone = fields.String(metadata={"description": "E.164; `+8618400000965;ext=7576` for a virtual number."})
    address = fields.Nested(AddressInClearSchema)
    street = fields.Nested(AddressInClearSchema)


class GrantSchema(AnswerSchema):
    """`token` instead of `waybill_no`: a break-glass of a token alone."""

    reveal_id = fields.String(required=True)
    waybill_no = fields.String()
    token = fields.String()
    purpose = fields.String(
        required=True, validate=validate.OneOf(["deliver", "contact", "sort", BREAK_GLASS])
    )
    fields_ = fields.List(
        fields.String(validate=validate.OneOf(FIELDS)),
        required=True,
        data_key="fields",
        metadata={"description": "The names of the fields that the grant opens."},
    )
    state = fields.String(required=True, validate=validate.OneOf([state.value for state in State]))
    released = fields.Integer(required=True, metadata={"description": "How often values were sent."})
    issued_at = time_field()
    expires_at = time_field()


class OpenedSchema(AnswerSchema):
    """A claimed grant: `fields` holds the values."""

    reveal_id = fields.String(required=True)
    state = fields.String(required=True, validate=validate.Equal(State.CLAIMED.value))
    expires_at = time_field()
    fields_ = fields.Nested(ValuesSchema, required=True, data_key="fields")
    ack_code = fields.String(required=True)


class OpenedSealedSchema(AnswerSchema):
    """A claimed grant, sealed to the key."""

    reveal_id = fields.String(required=True)
    state = fields.String(required=True, validate=validate.Equal(State.CLAIMED.value))
    expires_at = time_field()
    sealed = fields.Nested(SealedSchema, required=True)


class RefusedGrantSchema(AnswerSchema):
    error = fields.Nested(ItemErrorSchema, required=True)


class GrantBatchSchema(AnswerSchema):
    items = fields.List(fields.Raw(), required=True, metadata={"description": "In the order of the request."})


_GRANTED = (OpenedSealedSchema, OpenedSchema, GrantSchema)
EITHER = {"GrantBatch": (*_GRANTED, RefusedGrantSchema)}

_ID = "rv_01m74sxx00fdtt5ycrhzdsasqc"
_PUBLIC_KEY = "eL15RFRKErNd1t3e7cwY4bH5IOaZzRiOpFW1YnvTnDM="
_SEALED = {
    "enc": "m1v0Yp3cJXy4k2m7sT9qZ0aB5dE8fG1hI6jK3lN4oP0=",
    "ciphertext": "q0gW4nT8xZ2vB6mC9pL3sD7fH1jK5rY0uI4oE8aQ2wX6",
}
_GRANT = {
    "reveal_id": _ID,
    "waybill_no": NUMBER,
    "purpose": "deliver",
    "fields": ["name", "address"],
    "state": "issued",
    "released": 0,
    "issued_at": TIME,
    "expires_at": "2026-11-11T08:01:00.120000Z",
}
_SEALED_TO_KEY = {
    "reveal_id": _ID,
    "state": "claimed",
    "expires_at": _GRANT["expires_at"],
    "sealed": _SEALED,
}
_ASK = {"waybill_no": NUMBER, "purpose": "deliver"}
_REFUSED = {
    "error": {"code": "not_out_for_delivery", "detail": "The parcel is not out for delivery."},
}

OPERATIONS = (
    Operation(
        method="post",
        path="/v1/reveals",
        name="issue_reveals",
        roles=_HOLDERS,
        summary="Ask for a one-time reveal",
        text="For the courier that has the parcel (`deliver`: name and address; `contact`: phone) or the station that"
        " holds it (`sort`: the address cut at the street). The grant opens once, within 60 seconds where nothing"
        " else is set. With `public_key` (X25519) only the holder of that key can read the answer, and a lost one"
        " can be fetched again. With `claim` the values come in the same round trip. Up to 20 as `items`."
        "\n\nEach try is in the access log.",
        bodies=(OneRevealSchema, ManyRevealsSchema),
        body_examples={
            "issue": _ASK,
            "issue and claim, sealed": {**_ASK, "public_key": _PUBLIC_KEY, "claim": True},
            "many": {"items": [_ASK]},
        },
        idempotent=True,
        answers={
            201: Answer(
                "Issued; with `claim`, opened.",
                (*_GRANTED, GrantBatchSchema),
                examples={
                    "issued": _GRANT,
                    "claimed, sealed": _SEALED_TO_KEY,
                    "many": {"items": [_GRANT]},
                },
            ),
            207: Answer(
                "Some of a batch were issued.",
                (GrantBatchSchema,),
                examples={"some": {"items": [_GRANT, _REFUSED]}},
            ),
            422: Answer(
                "None of a batch was issued.", (GrantBatchSchema,), examples={"none": {"items": [_REFUSED]}}
            ),
        },
        codes=(
            *_DENIED,
            *OF_BODIES,
            *OF_IDEMPOTENCY,
            "field_not_allowed",
            "contact_closed",
            "reveal_live",
            "reveal_limit",
            "courier_quota",
            "merchant_quota",
            "reveal_spent",
            "too_slow",
        ),
    ),
    Operation(
        method="post",
        path="/v1/reveals/{reveal}/claim",
        name="claim_reveal",
        roles=(*_HOLDERS, "responder"),
        summary="Open a reveal",
        text="The values, once. Sealed with HPKE (RFC 9180, base mode: X25519, HKDF-SHA256, AES-256-GCM, `info` = the"
        " reveal id) where a key was given; the same key may fetch a sealed answer again, four times in all within"
        " 120 seconds of the first. To anyone but its grantee a reveal does not exist. A"
        " break-glass opens sealed or not at all.",
        bodies=(ClaimSchema,),
        body_examples={"sealed": {"public_key": _PUBLIC_KEY}, "in clear": {}},
        answers={
            200: Answer(
                "The values. Keep them in memory, acknowledge, forget.",
                (OpenedSealedSchema, OpenedSchema),
                examples={
                    "sealed": _SEALED_TO_KEY,
                    "in clear (masked here)": {
                        "reveal_id": _ID,
                        "state": "claimed",
                        "expires_at": _GRANT["expires_at"],
                        "fields": {"name": "张**", "phone": "1******1234"},
                        "ack_code": "Jq3vW8xK2mNp",
                    },
                },
            )
        },
        codes=(*_DENIED, *OF_BODIES, "reveal_spent", "public_key_required", "too_slow", "vault_unavailable"),
    ),
    Operation(
        method="post",
        path="/v1/reveals/{reveal}/ack",
        name="acknowledge_reveal",
        roles=(*_HOLDERS, "responder"),
        summary="Acknowledge the values",
        text="Proves with the `ack_code` that the values arrived. Without it a released reveal ends as `unconfirmed`.",
        bodies=(AckSchema,),
        body_examples={"code": {"ack_code": "Jq3vW8xK2mNp"}},
        answers={
            200: Answer(
                "Delivered.",
                (GrantSchema,),
                examples={"delivered": {**_GRANT, "state": "delivered", "released": 1}},
            )
        },
        codes=("not_found", *OF_BODIES, "ack_code_wrong", "reveal_closed"),
    ),
    Operation(
        method="post",
        path="/v1/reveals/{reveal}/revoke",
        name="revoke_reveal",
        roles=("carrier", "operator", "responder"),
        summary="Call a reveal back",
        text="What has not been opened stays closed.",
        answers={
            200: Answer("Revoked.", (GrantSchema,), examples={"revoked": {**_GRANT, "state": "revoked"}})
        },
        codes=("not_found", "reveal_closed"),
    ),
    Operation(
        method="get",
        path="/v1/reveals/{reveal}",
        name="get_reveal",
        roles=("courier", "station", "carrier", "operator", "responder"),
        summary="Show the state of a reveal",
        text="State only: reading never opens anything. `expired` is certainly undisclosed, `unconfirmed` may be"
        " disclosed.",
        answers={200: Answer("The grant.", (GrantSchema,), examples={"issued": _GRANT})},
        codes=("not_found",),
    ),
)
