"""The tokens room, described."""

from __future__ import annotations

from marshmallow import fields, validate

from vault_gateway.documentation.codes import OF_BODIES, OF_IDEMPOTENCY, OF_VALUES
from vault_gateway.documentation.operations import Answer, Operation
from vault_gateway.documentation.shapes import (
    ADDRESS,
    MASKED,
    NAME,
    PHONE,
    RECIPIENT,
    TIME,
    AnswerSchema,
    ItemErrorSchema,
    PageSchema,
    ValueErrorSchema,
    time_field,
    token_field,
)
from vault_gateway.shapes import ORDER_FIELD, TenantSchema
from vault_gateway.tokens.schemas import (
    KINDS,
    LookupSchema,
    MatchSchema,
    OrderSchema,
    SearchSchema,
    TokenizeSchema,
)

_OWNERS = ("platform", "merchant")
_GROUND = ("forbidden", "not_found", "merchant_required", "validation_failed")
_REGION = {"country": "CN", "province": "浙江省", "city": "杭州市", "district": "西湖区"}

_VALUE = {
    "description": "A phone in any form (at most 64 characters; a virtual number too: `18400000965-7576`,"
    " `18400000965转7576`, `$18400000965$#7576#`), a name (128), or an address (1,024): its parts, or"
    " `text` that is parsed where it can be.",
    "anyOf": [{"type": "string", "maxLength": 1024}, {"$ref": "#/components/schemas/AddressValue"}],
}

# What an item of `POST /v1/tokens` takes. The service reads items one by one, for each carries its own error.
TOKENIZE_ITEM = {
    "type": "object",
    "required": ["kind", "value"],
    "additionalProperties": False,
    "properties": {
        "kind": {"type": "string", "enum": list(KINDS)},
        "value": _VALUE,
        "ref": {
            "type": "string",
            "maxLength": 128,
            "description": "Yours; comes back with the answer. Never put a person's data here.",
        },
        "region": {
            "type": "string",
            "pattern": "^[A-Z]{2}$",
            "default": "CN",
            "description": "ISO 3166: where a phone without a calling code is from.",
        },
    },
}

_PARTS = ("country", "province", "city", "district", "township", "detail", "postcode")
ADDRESS_VALUE = {
    "description": "Region (country to township) is kept for masks and routing; detail and postcode only sealed.",
    "oneOf": [
        {
            "type": "object",
            "required": ["detail"],
            "additionalProperties": False,
            "properties": {part: {"type": "string", "maxLength": 1024} for part in _PARTS},
        },
        {
            "type": "object",
            "required": ["text"],
            "additionalProperties": False,
            "properties": {"text": {"type": "string", "maxLength": 1024}},
        },
    ],
}


# What marshmallow leaves open because the domain's own normaliser reads it.
PROPERTIES = {
    ("Tokenize", "items"): {"items": {"$ref": "#/components/schemas/TokenizeItem"}},
    ("Search", "value"): _VALUE,
}


class TokenizedSchema(AnswerSchema):
    ref = fields.String()
    token = token_field()
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    masked = fields.String(required=True)


class NotTokenizedSchema(AnswerSchema):
    ref = fields.String()
    error = fields.Nested(ValueErrorSchema, required=True)


class TokenizeAnswerSchema(AnswerSchema):
    items = fields.List(fields.Raw(), required=True, metadata={"description": "In the order of the request."})


class TokenViewSchema(AnswerSchema):
    token = token_field()
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    masked = fields.String(required=True)
    origin = fields.String(required=True, validate=validate.OneOf(["platform", "merchant"]))
    created_at = time_field()
    order = fields.String(validate=ORDER_FIELD)
    region = fields.Dict(
        keys=fields.String(), values=fields.String(), metadata={"description": "Of an address."}
    )


class NotFoundItemSchema(AnswerSchema):
    error = fields.Nested(ItemErrorSchema, required=True)


class LookupAnswerSchema(AnswerSchema):
    items = fields.List(fields.Raw(), required=True, metadata={"description": "In the order of the request."})


class TokenPageSchema(PageSchema):
    items = fields.List(fields.Nested(TokenViewSchema), required=True)


class MatchAnswerSchema(AnswerSchema):
    groups = fields.List(
        fields.List(fields.Integer()),
        required=True,
        metadata={"description": "Positions of the same recipient, together."},
    )
    missing = fields.List(
        fields.Integer(),
        required=True,
        metadata={"description": "Positions that name a token which is not there."},
    )


# Items that are one of two shapes: said here, for marshmallow has no word for it.
EITHER = {
    "TokenizeAnswer": (TokenizedSchema, NotTokenizedSchema),
    "LookupAnswer": (TokenViewSchema, NotFoundItemSchema),
}

_TOKENIZED = [
    {"ref": "buyer-name", "token": NAME, "kind": "name", "masked": MASKED["name"]},
    {"ref": "buyer-phone", "token": PHONE, "kind": "phone", "masked": MASKED["phone"]},
]
_REFUSED = {"ref": "buyer-address", "error": {"code": "value_empty", "detail": "The value is empty."}}
_VIEW = {
    "token": ADDRESS,
    "kind": "address",
    "masked": MASKED["address"],
    "origin": "merchant",
    "created_at": TIME,
    "order": "SO-1024",
    "region": _REGION,
}

OPERATIONS = (
    Operation(
        method="post",
        path="/v1/tokens",
        name="create_tokens",
        roles=_OWNERS,
        summary="Tokenise names, phones and addresses",
        text="Give what a buyer typed, keep what comes back: a token and a mask for each. Every item gets a fresh"
        " token, also for an equal value; equality shows only through search and match. Up to 10,000 items;"
        " an item that is refused carries its own error and does not stop the others.",
        bodies=(TokenizeSchema,),
        body_examples={
            "order": {
                "order": "SO-1024",
                "items": [
                    {"kind": "name", "value": "张三", "ref": "buyer-name"},
                    {"kind": "phone", "value": "+1 202-555-0123", "ref": "buyer-phone"},
                    {
                        "kind": "address",
                        "value": {**_REGION, "detail": "示例路1号101室"},
                        "ref": "buyer-address",
                    },
                ],
            }
        },
        idempotent=True,
        answers={
            201: Answer(
                "All items have tokens.", (TokenizeAnswerSchema,), examples={"all": {"items": _TOKENIZED}}
            ),
            207: Answer(
                "Some items have tokens.",
                (TokenizeAnswerSchema,),
                examples={"some": {"items": [*_TOKENIZED, _REFUSED]}},
            ),
            422: Answer(
                "No item has a token.", (TokenizeAnswerSchema,), examples={"none": {"items": [_REFUSED]}}
            ),
        },
        codes=(*_GROUND, *OF_BODIES, *OF_IDEMPOTENCY),
    ),
    Operation(
        method="get",
        path="/v1/tokens/{token}",
        name="get_token",
        roles=_OWNERS,
        summary="Show a token's mask",
        text="What may be printed and shown: the mask, the order, and the region of an address.",
        query=TenantSchema,
        answers={200: Answer("The masked view.", (TokenViewSchema,), examples={"address": _VIEW})},
        codes=_GROUND,
    ),
    Operation(
        method="delete",
        path="/v1/tokens/{token}",
        name="erase_token",
        roles=_OWNERS,
        summary="Erase a value",
        text="Ciphertext, mask, index and region are gone at once. What the platform submitted, only the platform"
        " erases.",
        query=TenantSchema,
        answers={204: Answer("Erased.")},
        codes=_GROUND,
    ),
    Operation(
        method="post",
        path="/v1/tokens/lookup",
        name="look_up_tokens",
        roles=_OWNERS,
        summary="Show the masks of many tokens",
        text="Up to 10,000 tokens; answers in order, an `error` where there is nothing to see.",
        bodies=(LookupSchema,),
        body_examples={"two": {"tokens": [PHONE, ADDRESS]}},
        answers={
            200: Answer(
                "A view or an error for each.",
                (LookupAnswerSchema,),
                examples={
                    "mixed": {
                        "items": [
                            _VIEW,
                            {
                                "error": {
                                    "code": "not_found",
                                    "detail": "There is nothing here that you may see.",
                                }
                            },
                        ]
                    }
                },
            )
        },
        codes=(*_GROUND, *OF_BODIES),
    ),
    Operation(
        method="post",
        path="/v1/tokens/search",
        name="search_tokens",
        roles=_OWNERS,
        summary="Find tokens by a value or by a phone's last four digits",
        text="Finds tokens of your own merchant that you submitted yourself. Give `value` and its `kind`, or"
        " `last4` with `kind: phone`. Searches for a value that find nothing are counted: 200 a merchant and day,"
        " then `rate_limited` until midnight UTC.",
        bodies=(SearchSchema,),
        body_examples={"last4": {"kind": "phone", "last4": "1234"}},
        answers={200: Answer("Newest first.", (TokenPageSchema,), examples={"one": {"items": [_VIEW]}})},
        codes=(*_GROUND, *OF_BODIES, *OF_VALUES, "vault_unavailable"),
    ),
    Operation(
        method="post",
        path="/v1/tokens/match",
        name="match_tokens",
        roles=_OWNERS,
        summary="Which orders go to the same recipient?",
        text="Groups recipients whose name, phone and address are all equal, so that orders can share a parcel."
        " What a platform and what a merchant submitted never match each other.",
        bodies=(MatchSchema,),
        body_examples={"two": {"recipients": [RECIPIENT, RECIPIENT]}},
        answers={
            200: Answer(
                "Groups of positions.",
                (MatchAnswerSchema,),
                examples={"two": {"groups": [[0, 1]], "missing": []}},
            )
        },
        codes=(*_GROUND, *OF_BODIES),
    ),
    Operation(
        method="get",
        path="/v1/orders/{order}",
        name="get_order",
        roles=_OWNERS,
        summary="Show an order's tokens",
        text="All tokens that were made for this order.",
        query=OrderSchema,
        answers={
            200: Answer(
                "A page of the order's masked views.",
                (TokenPageSchema,),
                examples={"one": {"items": [_VIEW]}},
            )
        },
        codes=_GROUND,
    ),
)
