"""The OpenAPI 3.1 document, made once from the operations and the rooms' own schemas."""

from __future__ import annotations

import re
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import fields

from vault_gateway import __version__
from vault_gateway.documentation import (
    audit,
    breakglass,
    couriers,
    flows,
    labels,
    networks,
    notices,
    receipts,
    relay,
    reveals,
    routes,
    service,
    token_shapes,
    tokens,
    twilio,
    usage,
    waybills,
    webhooks,
)
from vault_gateway.documentation.components import EITHER, add_components, ref
from vault_gateway.documentation.operations import Operation
from vault_gateway.documentation.paths import described
from vault_gateway.documentation.sections import INTRODUCTION, TAGS
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
    *receipts.OPERATIONS,
    *service.OPERATIONS,
)


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
    marshmallow.converter.add_attribute_function(_ecma_pattern)
    marshmallow.converter.add_attribute_function(_public_key)
    add_components(spec)
    for operation in OPERATIONS:
        spec.path(path=operation.path, operations={operation.method: described(operation)})
    document: dict[str, Any] = spec.to_dict()
    schemas = document["components"]["schemas"]
    for name, shapes in EITHER.items():
        schemas[name]["properties"]["items"]["items"] = {"anyOf": [ref(shape) for shape in shapes]}
    for (name, field), said in (*token_shapes.PROPERTIES.items(), *couriers.PROPERTIES.items()):
        schemas[name]["properties"][field].update(said)
    return document


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
