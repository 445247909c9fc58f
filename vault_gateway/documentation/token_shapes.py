"""What goes into the tokens room and what comes out, where its own schemas do not say it."""

from __future__ import annotations

from marshmallow import fields, validate

from vault_gateway.documentation.shapes import (
    AnswerSchema,
    ItemErrorSchema,
    PageSchema,
    ValueErrorSchema,
    time_field,
    token_field,
)
from vault_gateway.shapes import ORDER_FIELD
from vault_gateway.tokens.schemas import (
    KINDS,
)

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
