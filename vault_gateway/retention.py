"""How long records are kept: `policies/retention.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import yaml
from marshmallow import Schema, ValidationError, fields, validate

from vault_gateway.errors import PolicyFileError

# What a telecom has not reported counts for a day, and a failed call opens a phone for half an hour.
_LEAST_DAYS, _MOST_DAYS = 2, 3660


class RetentionError(PolicyFileError):
    """`retention.yaml` cannot be used; the message says where and why."""


@dataclass(frozen=True, slots=True)
class RelayRetention:
    """For how long: calls after they were connected, bindings after their rest, and that there was no number."""

    calls: timedelta
    bindings: timedelta
    exhausted: timedelta


def _days() -> fields.Integer:
    return fields.Integer(required=True, strict=True, validate=validate.Range(_LEAST_DAYS, _MOST_DAYS))


class _RelaySchema(Schema):
    calls = _days()
    bindings = _days()
    exhausted = _days()


class _RetentionSchema(Schema):
    relay = fields.Nested(_RelaySchema, required=True)


def load_retention(path: Path) -> RelayRetention:
    try:
        data = _RetentionSchema().load(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError) as error:
        raise RetentionError(f"{path}: {error}") from None
    return RelayRetention(**{name: timedelta(days=days) for name, days in data["relay"].items()})
