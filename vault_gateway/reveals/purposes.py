"""Purposes and life-long limits, read from `policies/purposes.yaml`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from marshmallow import Schema, ValidationError, fields, validate

from vault_gateway.model import Kind, Role

# `street` is the address cut at the street.
KIND_OF_FIELD = {"name": Kind.NAME, "phone": Kind.PHONE, "address": Kind.ADDRESS, "street": Kind.ADDRESS}
FIELDS = tuple(KIND_OF_FIELD)


class PurposeError(Exception):
    """`purposes.yaml` cannot be used; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Purpose:
    name: str
    fields: tuple[str, ...]
    roles: tuple[Role, ...]


@dataclass(frozen=True, slots=True)
class Purposes:
    by_name: Mapping[str, Purpose]
    per_waybill: int
    per_token: int


class _PurposeSchema(Schema):
    fields_ = fields.List(
        fields.String(validate=validate.OneOf(FIELDS)),
        required=True,
        data_key="fields",
        validate=validate.Length(1),
    )
    roles = fields.List(
        fields.String(validate=validate.OneOf(["courier", "station"])),
        required=True,
        validate=validate.Length(1),
    )


class _LimitsSchema(Schema):
    per_waybill = fields.Integer(required=True, validate=validate.Range(1, 1000))
    per_token = fields.Integer(required=True, validate=validate.Range(1, 10_000))


class _PurposesSchema(Schema):
    deliver = fields.Nested(_PurposeSchema, required=True)
    contact = fields.Nested(_PurposeSchema, required=True)
    sort = fields.Nested(_PurposeSchema, required=True)
    limits = fields.Nested(_LimitsSchema, required=True)


def load_purposes(path: Path) -> Purposes:
    try:
        data = _PurposesSchema().load(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise PurposeError(f"{path}: {error}") from None
    limits = data.pop("limits")
    by_name = {name: _purpose(name, entry["fields_"], entry["roles"]) for name, entry in data.items()}
    return Purposes(by_name, limits["per_waybill"], limits["per_token"])


def _purpose(name: str, fields_: Sequence[str], roles: Sequence[str]) -> Purpose:
    return Purpose(name, tuple(fields_), tuple(Role(role) for role in roles))
