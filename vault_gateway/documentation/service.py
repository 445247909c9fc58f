"""What the service says of itself: health, metrics, and this documentation. No key is needed."""

from __future__ import annotations

from marshmallow import fields, validate

from vault_gateway.documentation.operations import ANYONE, Answer, Operation
from vault_gateway.documentation.shapes import AnswerSchema

_NOBODY_IN_PARTICULAR = (ANYONE,)


class HealthSchema(AnswerSchema):
    status = fields.String(required=True, validate=validate.Equal("ok"))


class ReadinessSchema(AnswerSchema):
    status = fields.String(required=True, validate=validate.OneOf(["ready", "degraded", "not_ready"]))
    checks = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


_CHECKS = {"database": "ok", "vault": "ok", "limits": "ok"}

OPERATIONS = (
    Operation(
        method="get",
        path="/healthz",
        name="healthz",
        roles=_NOBODY_IN_PARTICULAR,
        summary="Is the process up?",
        text="For a supervisor. Asks nothing else.",
        answers={200: Answer("It is.", (HealthSchema,), examples={"ok": {"status": "ok"}})},
    ),
    Operation(
        method="get",
        path="/readyz",
        name="readyz",
        roles=_NOBODY_IN_PARTICULAR,
        summary="Can it serve?",
        text="For a balancer: 503 while something that it needs does not answer. `degraded` while Redis is away:"
        " what discloses is refused then (reveals, break-glass, a telecom's calls and messages, a station's counter),"
        " and the rest goes on with limits that each process counts alone.",
        answers={
            200: Answer(
                "It can.", (ReadinessSchema,), examples={"ready": {"status": "ready", "checks": _CHECKS}}
            ),
            503: Answer(
                "It cannot now.",
                (ReadinessSchema,),
                examples={"sealed": {"status": "not_ready", "checks": {**_CHECKS, "vault": "sealed"}}},
            ),
        },
    ),
    Operation(
        method="get",
        path="/metrics",
        name="metrics",
        roles=_NOBODY_IN_PARTICULAR,
        summary="Metrics for Prometheus",
        text="Labels are routes, codes and kinds; never a value, a name or an id.",
        answers={200: Answer("Prometheus text format.", media=("text/plain",))},
    ),
    Operation(
        method="get",
        path="/openapi.json",
        name="openapi",
        roles=_NOBODY_IN_PARTICULAR,
        summary="This document",
        text="OpenAPI 3.1. Comes with an ETag.",
        answers={200: Answer("The document."), 304: Answer("You have it.")},
    ),
    Operation(
        method="get",
        path="/",
        name="front",
        roles=_NOBODY_IN_PARTICULAR,
        summary="To this page",
        text="For a browser that is shown the address of the service alone.",
        answers={303: Answer("To `/docs`.", media=("text/html",))},
    ),
    Operation(
        method="get",
        path="/docs",
        name="docs",
        roles=_NOBODY_IN_PARTICULAR,
        summary="This page",
        text="Works offline: everything it needs comes from this server.",
        answers={200: Answer("The page.", media=("text/html",))},
    ),
    Operation(
        method="get",
        path="/docs/errors",
        name="errors",
        roles=_NOBODY_IN_PARTICULAR,
        summary="All error codes",
        text="Each `code` with its status, its `type` and its meaning.",
        answers={200: Answer("The page.", media=("text/html",))},
    ),
    Operation(
        method="get",
        path="/docs/assets/{version}/{name}",
        name="asset",
        roles=_NOBODY_IN_PARTICULAR,
        summary="A script or style of the page",
        text="The version is part of the address, so that it may be kept for a year.",
        answers={200: Answer("The file.", media=("*/*",)), 304: Answer("You have it.")},
        codes=("not_found",),
    ),
)
