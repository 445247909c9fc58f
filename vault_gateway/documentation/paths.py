"""One operation in the words of OpenAPI."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from marshmallow import Schema

from vault_gateway.documentation.codes import OF_EVERY_CALLER, Code, by_status
from vault_gateway.documentation.components import ref
from vault_gateway.documentation.operations import FORM, JSON, PROBLEM, Answer, Operation
from vault_gateway.documentation.sections import PATH_PARAMETERS
from vault_gateway.documentation.shapes import ProblemSchema


def described(operation: Operation) -> dict[str, Any]:
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
                ref(ProblemSchema),
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


def _has_required(shape: type[Schema]) -> bool:
    return any(field.required for field in shape().fields.values())
