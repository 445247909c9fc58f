"""What the operations refer to: keys, headers, problems and the shapes of bodies."""

from __future__ import annotations

from typing import Any

from apispec import APISpec
from marshmallow import Schema

from vault_gateway.documentation import reveals, token_shapes, waybills
from vault_gateway.documentation.codes import CODES
from vault_gateway.documentation.shapes import REQUEST_ID, ProblemSchema
from vault_gateway.errors import problem

# Items that are one of several shapes, by the schema that has them.
EITHER = {**token_shapes.EITHER, **waybills.EITHER, **reveals.EITHER}

_HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-Id": {
        "description": "Names this request in our log. Quote it when something is wrong.",
        "required": True,
        "schema": {"type": "string"},
        "example": REQUEST_ID,
    },
    "RateLimit": {
        "description": "What is left of your quota, and for how many seconds it is (IETF draft).",
        "schema": {"type": "string"},
        "example": '"client";r=11999;t=60',
    },
    "RateLimit-Policy": {
        "description": "The quota and its window in seconds (IETF draft).",
        "schema": {"type": "string"},
        "example": '"client";q=12000;w=60',
    },
    "Retry-After": {
        "description": "Seconds to wait.",
        "schema": {"type": "integer", "minimum": 1},
        "example": 2,
    },
    "WWW-Authenticate": {
        "required": True,
        "schema": {"type": "string"},
        "example": 'Bearer realm="vault-gateway"',
    },
}


def add_components(spec: APISpec) -> None:
    spec.components.security_scheme(
        "key",
        {
            "type": "http",
            "scheme": "bearer",
            "description": "The API key that `vault-gateway client add` printed, or a JWT of an issuer that was"
            " registered here. It says who you are; policies say what you may do.",
        },
    )
    spec.components.security_scheme(
        "twilio",
        {
            "type": "apiKey",
            "in": "header",
            "name": "X-Twilio-Signature",
            "description": "Base64 of HMAC-SHA1, with the account's auth token, over the public URL and the sorted"
            " parameters of the form: Twilio's own signature. It takes the place of a key.",
        },
    )
    for name, header in _HEADERS.items():
        spec.components.header(name, header)
    spec.components.parameter(
        "IdempotencyKey",
        "header",
        {
            "name": "Idempotency-Key",
            "description": "1 to 128 visible ASCII characters, new for each request. Sent again with the same body"
            " within 24 hours, the first answer comes back and nothing happens twice.",
            "schema": {"type": "string", "pattern": "^[!-~]{1,128}$"},
        },
    )
    for code in CODES.values():
        spec.components.example(
            code.code, {"value": problem(code.code, code.status, code.meaning, REQUEST_ID)}
        )
    spec.components.schema("Problem", schema=ProblemSchema)
    spec.components.schema("AddressValue", token_shapes.ADDRESS_VALUE)
    spec.components.schema("TokenizeItem", token_shapes.TOKENIZE_ITEM)
    for shape in dict.fromkeys(shape for shapes in EITHER.values() for shape in shapes):
        if _name_of(shape) not in spec.components.schemas:
            spec.components.schema(_name_of(shape), schema=shape)


def _name_of(shape: type[Schema]) -> str:
    return shape.__name__.removesuffix("Schema")


def ref(shape: type[Schema]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{_name_of(shape)}"}
