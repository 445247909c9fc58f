"""Purposes and life-long limits, read from `policies/purposes.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from marshmallow import Schema, fields, validate

from vault_gateway.errors import PolicyFileError
from vault_gateway.model import Kind, Role
from vault_gateway.waybills.states import State
from vault_gateway.waybills.waybill import Waybill
from vault_gateway.yamlfile import read_policy_file

# `street` is the address cut at the street.
KIND_OF_FIELD = {"name": Kind.NAME, "phone": Kind.PHONE, "address": Kind.ADDRESS, "street": Kind.ADDRESS}
FIELDS = tuple(KIND_OF_FIELD)


class PurposeError(PolicyFileError):
    """`purposes.yaml` cannot be used; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Purpose:
    """The smallest set of fields that a role needs for this, and the parcel's states in which it may have them."""

    name: str
    fields: tuple[str, ...]
    roles: tuple[Role, ...]
    states: tuple[State, ...]


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
    states = fields.List(fields.Enum(State, by_value=True), required=True, validate=validate.Length(1))


class _LimitsSchema(Schema):
    per_waybill = fields.Integer(required=True, validate=validate.Range(1, 1000))
    per_token = fields.Integer(required=True, validate=validate.Range(1, 10_000))


class _PurposesSchema(Schema):
    deliver = fields.Nested(_PurposeSchema, required=True)
    contact = fields.Nested(_PurposeSchema, required=True)
    sort = fields.Nested(_PurposeSchema, required=True)
    limits = fields.Nested(_LimitsSchema, required=True)


def load_purposes(path: Path) -> Purposes:
    data = read_policy_file(path, _PurposesSchema(), PurposeError)
    limits = data.pop("limits")
    by_name = {name: _purpose(name, entry) for name, entry in data.items()}
    return Purposes(by_name, limits["per_waybill"], limits["per_token"])


def _purpose(name: str, entry: Mapping[str, Any]) -> Purpose:
    roles = tuple(Role(role) for role in entry["roles"])
    return Purpose(name, tuple(entry["fields_"]), roles, tuple(entry["states"]))


def token_of(waybill: Waybill, field: str) -> UUID:
    """The recipient's token that a field is in."""
    recipient = waybill.recipient
    tokens = {Kind.NAME: recipient.name, Kind.PHONE: recipient.phone, Kind.ADDRESS: recipient.address}
    return tokens[KIND_OF_FIELD[field]]
