"""The OpenAPI 3.1 document, made once from the operations and the rooms' own schemas."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema, fields

from vault_gateway import __version__
from vault_gateway.documentation import (
    audit,
    breakglass,
    couriers,
    flows,
    labels,
    networks,
    notices,
    relay,
    reveals,
    routes,
    service,
    tokens,
    twilio,
    usage,
    waybills,
    webhooks,
)
from vault_gateway.documentation.codes import CODES, OF_EVERY_CALLER, Code, by_status
from vault_gateway.documentation.operations import FORM, JSON, PROBLEM, Answer, Operation
from vault_gateway.documentation.sections import INTRODUCTION, PATH_PARAMETERS, TAGS
from vault_gateway.documentation.shapes import REQUEST_ID, ProblemSchema
from vault_gateway.reveals.schemas import PublicKeyField

_ROOMS = (
    tokens,
    waybills,
    labels,
    networks,
    webhooks,
    usage,
    flows,
    routes,
    couriers,
    reveals,
    breakglass,
    relay,
    twilio,
    notices,
    audit,
)
OPERATIONS: tuple[Operation, ...] = (
    *(operation for room in _ROOMS for operation in room.OPERATIONS),
    *service.OPERATIONS,
)
_EITHER = {**tokens.EITHER, **waybills.EITHER, **reveals.EITHER}

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


def openapi_document() -> dict[str, Any]:
    """Plain data, ready for JSON. Raises where an operation names a code that the table lacks."""
    marshmallow = MarshmallowPlugin()
    spec = APISpec(
        title="vault-gateway · 快递隐私保险库",
        version=__version__,
        openapi_version="3.1.0",
        plugins=[marshmallow],
        info={
            "summary": "A privacy vault for parcel delivery: tokens instead of names, phones and addresses.",
            "description": INTRODUCTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        servers=[{"url": "/", "description": "This gateway"}],
        tags=[{"name": name, "description": text} for name, text in TAGS.items()],
        externalDocs={"description": "All error codes", "url": "/docs/errors"},
    )
    assert marshmallow.converter is not None, "made by APISpec"
    marshmallow.converter.add_attribute_function(_ecma_pattern)  # type: ignore[no-untyped-call]
    marshmallow.converter.add_attribute_function(_public_key)  # type: ignore[no-untyped-call]
    _components(spec)
    for operation in OPERATIONS:
        spec.path(path=operation.path, operations={operation.method: _operation(operation)})
    document: dict[str, Any] = spec.to_dict()
    schemas = document["components"]["schemas"]
    for name, shapes in _EITHER.items():
        schemas[name]["properties"]["items"]["items"] = {"anyOf": [_ref(shape) for shape in shapes]}
    for (name, field), said in (*tokens.PROPERTIES.items(), *couriers.PROPERTIES.items()):
        schemas[name]["properties"][field].update(said)
    return document


def _components(spec: APISpec) -> None:
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
        spec.components.example(code.code, {"value": _problem_of(code)})
    spec.components.schema("Problem", schema=ProblemSchema)
    spec.components.schema("AddressValue", tokens.ADDRESS_VALUE)
    spec.components.schema("TokenizeItem", tokens.TOKENIZE_ITEM)
    for shape in dict.fromkeys(shape for shapes in _EITHER.values() for shape in shapes):
        if _name_of(shape) not in spec.components.schemas:
            spec.components.schema(_name_of(shape), schema=shape)


def _ecma_pattern(
    _converter: object, _field: fields.Field[Any], ret: dict[str, Any], **_: object
) -> dict[str, Any]:
    """Python's anchors in the words of JSON Schema (ECMA 262)."""
    if "pattern" not in ret:
        return {}
    return {"pattern": re.sub(r"\\A", "^", ret["pattern"]).replace(r"\Z", "$")}


def _public_key(_converter: object, field: fields.Field[Any], **_: object) -> dict[str, Any]:
    if not isinstance(field, PublicKeyField):
        return {}
    return {"description": "An X25519 public key: 32 bytes in base64.", "pattern": "^[A-Za-z0-9+/]{43}=$"}


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "tags": list(operation.roles),
        "summary": operation.summary,
        "description": operation.text,
        "parameters": list(_parameters(operation)),
        "responses": _responses(operation),
        "security": [{"key": []}] if operation.secured else [{"twilio": []}] if operation.form else [],
    }
    if operation.bodies:
        described["requestBody"] = {
            "required": all(_has_required(body) for body in operation.bodies),
            "content": {JSON: _content(operation.bodies, operation.body_examples, "oneOf")},
        }
    if operation.text_body is not None:
        media, example = operation.text_body
        content = {"schema": {"type": "string"}, "examples": {"table": {"value": example}}}
        described["requestBody"] = {"required": True, "content": {media: content}}
    if operation.form is not None:
        shape, filled = operation.form
        described["requestBody"] = {
            "required": True,
            "content": {FORM: _content((shape,), {"twilio": filled}, "")},
        }
    return described


def _parameters(operation: Operation) -> Iterable[dict[str, Any] | str]:
    for name in re.findall(r"{(\w+)}", operation.path):
        yield {"name": name, "in": "path", "required": True, **PATH_PARAMETERS[name]}
    if operation.query is not None:
        yield {"in": "query", "schema": operation.query}
    if operation.idempotent:
        yield "IdempotencyKey"


def _responses(operation: Operation) -> dict[str, Any]:
    names = (*OF_EVERY_CALLER, *operation.codes) if operation.secured else operation.codes
    problems = by_status(names)
    responses = {}
    for status in sorted({*operation.answers, *problems}):
        answer, codes = operation.answers.get(status), problems.get(status, [])
        content: dict[str, Any] = {}
        if answer is not None:
            content.update(_answer_content(operation, answer))
        if codes:
            content[PROBLEM] = _problem(codes)
        texts = ([answer.text] if answer is not None else []) + [
            f"`{code.code}`: {code.meaning}" for code in codes
        ]
        responses[str(status)] = {
            "description": "\n\n".join(texts),
            "headers": {
                name: {"$ref": f"#/components/headers/{name}"} for name in _headers(operation, status)
            },
            **({"content": content} if content else {}),
        }
    return responses


def _answer_content(operation: Operation, answer: Answer) -> dict[str, Any]:
    if answer.shapes:
        others = {media: {"schema": {"type": "string"}} for media in answer.media if media != JSON}
        return {JSON: _content(answer.shapes, answer.examples, "anyOf"), **others}
    if answer.media != (JSON,):
        return {media: {"schema": {"type": "string"}} for media in answer.media}
    return {JSON: {"schema": {"type": "object"}}} if operation.name == "openapi" else {}


def _headers(operation: Operation, status: int) -> Iterable[str]:
    yield "X-Request-Id"
    if operation.secured and status != 401:
        yield from ("RateLimit", "RateLimit-Policy")
    if status == 401:
        yield "WWW-Authenticate"
    if status in (409, 429, 503):
        yield "Retry-After"


def _content(shapes: tuple[type[Schema], ...], examples: Any, either: str) -> dict[str, Any]:
    schema: Any = shapes[0] if len(shapes) == 1 else {either: list(shapes)}
    content = {"schema": schema}
    if examples:
        content["examples"] = {name: {"value": value} for name, value in examples.items()}
    return content


def _problem(codes: list[Code]) -> dict[str, Any]:
    first = codes[0]
    return {
        "schema": {
            "allOf": [
                _ref(ProblemSchema),
                {
                    "properties": {
                        "code": {"enum": [code.code for code in codes]},
                        "status": {"const": first.status},
                    }
                },
            ]
        },
        "examples": {code.code: {"$ref": f"#/components/examples/{code.code}"} for code in codes},
    }


def _problem_of(code: Code) -> dict[str, Any]:
    return {
        "type": code.urn,
        "title": code.code.replace("_", " ").capitalize(),
        "status": code.status,
        "code": code.code,
        "detail": code.meaning,
        "request_id": REQUEST_ID,
    }


def _has_required(shape: type[Schema]) -> bool:
    return any(field.required for field in shape().fields.values())


def _name_of(shape: type[Schema]) -> str:
    return shape.__name__.removesuffix("Schema")


def _ref(shape: type[Schema]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{_name_of(shape)}"}
