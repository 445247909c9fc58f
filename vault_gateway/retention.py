"""How long relay numbers serve and rest, and how long records and counts are kept: `policies/retention.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from vault_gateway.errors import PolicyFileError
from vault_gateway.yamlfile import read_policy_file

# What a telecom has not reported counts for a day, and a failed call opens a phone for half an hour.
_LEAST_DAYS, _MOST_DAYS = 2, 3660
# A telecom's question is answered once, and a binding lives for 60 days at most: as long as it does, a question that
# somebody kept and asks again is known.
_LEAST_DAYS_OF_CALLS = 61
# A parcel is on its way for weeks.
_LEAST_DAYS_OF_FLOWS = 30


class RetentionError(PolicyFileError):
    """`retention.yaml` cannot be used; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Kept:
    """For how long: calls after they were connected, bindings after their rest, and that there was no number."""

    calls: timedelta
    bindings: timedelta
    exhausted: timedelta


@dataclass(frozen=True, slots=True)
class RelayPeriods:
    """A number serves for `on_the_way` after the last that was heard of its parcel and for `after_sales` after
    delivery, and is nobody's for `cooldown` after its end."""

    on_the_way: timedelta
    after_sales: timedelta
    cooldown: timedelta
    kept: Kept


@dataclass(frozen=True, slots=True)
class FlowsKept:
    """For how long, since a day: that its parcels are counted where they are, and that what was shown of it stands."""

    counted: timedelta
    shown: timedelta


@dataclass(frozen=True, slots=True)
class Retention:
    relay: RelayPeriods
    flows: FlowsKept


def _count(least: int, most: int) -> fields.Integer:
    return fields.Integer(required=True, strict=True, validate=validate.Range(least, most))


class _KeptSchema(Schema):
    calls = _count(_LEAST_DAYS_OF_CALLS, _MOST_DAYS)
    bindings = _count(_LEAST_DAYS, _MOST_DAYS)
    exhausted = _count(_LEAST_DAYS, _MOST_DAYS)


class _RelaySchema(Schema):
    on_the_way_days = _count(1, 60)
    after_sales_hours = _count(1, 24 * 60)
    cooldown_days = _count(1, 365)
    kept_days = fields.Nested(_KeptSchema, required=True)


class _FlowsKeptSchema(Schema):
    counted = _count(_LEAST_DAYS_OF_FLOWS, _MOST_DAYS)
    shown = _count(_LEAST_DAYS_OF_FLOWS, _MOST_DAYS)

    @validates_schema(skip_on_field_errors=True)
    def _shown_while_counted(self, data: dict[str, int], **_: object) -> None:
        if data["shown"] < data["counted"]:
            raise ValidationError("What is still counted is shown: no fewer days than `counted`.", "shown")


class _FlowsSchema(Schema):
    kept_days = fields.Nested(_FlowsKeptSchema, required=True)


class _RetentionSchema(Schema):
    relay = fields.Nested(_RelaySchema, required=True)
    flows = fields.Nested(_FlowsSchema, required=True)


def load_retention(path: Path) -> Retention:
    data = read_policy_file(path, _RetentionSchema(), RetentionError)
    relay = RelayPeriods(
        timedelta(days=data["relay"]["on_the_way_days"]),
        timedelta(hours=data["relay"]["after_sales_hours"]),
        timedelta(days=data["relay"]["cooldown_days"]),
        Kept(**_periods(data["relay"]["kept_days"])),
    )
    return Retention(relay, FlowsKept(**_periods(data["flows"]["kept_days"])))


def _periods(days: dict[str, int]) -> dict[str, timedelta]:
    return {name: timedelta(days=count) for name, count in days.items()}
