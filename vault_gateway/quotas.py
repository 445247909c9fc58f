"""How much and how fast: `policies/quotas.yaml`, and the set that is in force now."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from limits import parse
from marshmallow import Schema, ValidationError, fields, validate

from vault_gateway.errors import PolicyFileError
from vault_gateway.yamlfile import read_policy_file

# An alarm that never rings, or a window that nothing fits into, is a typing error.
_MOST = 1_000_000_000


class QuotaError(PolicyFileError):
    """`quotas.yaml` cannot be used; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """Rings above both: `floor`, and `times_usual` the median of a courier's own last days."""

    floor: int
    times_usual: float

    def rings(self, counted: int, usual: Sequence[int]) -> bool:
        return counted > max(self.floor, self.times_usual * statistics.median(usual or (0,)))


@dataclass(frozen=True, slots=True)
class Quotas:
    """`merchant_a_day` by purpose; `rates` by what is done and by whom, as `limits` spells them."""

    day_begins_utc: int
    courier_a_day: int
    merchant_a_day: Mapping[str, int]
    rates: Mapping[str, Mapping[str, str]]
    usual_of_days: int
    recipients: Alarm
    denials: Alarm

    def day_of(self, now: datetime) -> date:
        """The day that `now` counts in, named for when it begins."""
        return (now - timedelta(hours=self.day_begins_utc)).date()

    def begin_of(self, day: date, now: datetime) -> datetime:
        return datetime(day.year, day.month, day.day, self.day_begins_utc, tzinfo=now.tzinfo)

    def seconds_left(self, now: datetime) -> int:
        """Of the day that `now` counts in, at least 1."""
        ends = self.begin_of(self.day_of(now), now) + timedelta(days=1)
        return int((ends - now).total_seconds()) + 1


class _Rate(fields.String):
    def _deserialize(self, value: Any, *arguments: Any, **named: Any) -> str:
        text = str(super()._deserialize(value, *arguments, **named))
        try:
            parse(text)
        except ValueError:
            raise ValidationError("is a rate such as 60/minute") from None
        return text


def _count() -> fields.Integer:
    return fields.Integer(required=True, strict=True, validate=validate.Range(1, _MOST))


class _PurposesSchema(Schema):
    deliver = _count()
    contact = _count()
    sort = _count()


class _DaySchema(Schema):
    courier = _count()
    merchant = fields.Nested(_PurposesSchema, required=True)


class _RevealRatesSchema(Schema):
    courier = _Rate(required=True)
    station = _Rate(required=True)
    address = _Rate(required=True)


class _SearchRatesSchema(Schema):
    client = _Rate(required=True)
    address = _Rate(required=True)


class _RatesSchema(Schema):
    reveals = fields.Nested(_RevealRatesSchema, required=True)
    searches = fields.Nested(_SearchRatesSchema, required=True)


class _AlarmSchema(Schema):
    floor = _count()
    times_usual = fields.Float(required=True, validate=validate.Range(1, 1000))


class _AlarmsSchema(Schema):
    usual_of_days = fields.Integer(required=True, strict=True, validate=validate.Range(1, 60))
    recipients = fields.Nested(_AlarmSchema, required=True)
    denials = fields.Nested(_AlarmSchema, required=True)


class _QuotasSchema(Schema):
    day_begins_utc = fields.Integer(required=True, strict=True, validate=validate.Range(0, 23))
    reveals_a_day = fields.Nested(_DaySchema, required=True)
    rates = fields.Nested(_RatesSchema, required=True)
    scraping_alarm = fields.Nested(_AlarmsSchema, required=True)


def load_quotas(path: Path) -> Quotas:
    data = read_policy_file(path, _QuotasSchema(), QuotaError)
    day, alarm = data["reveals_a_day"], data["scraping_alarm"]
    return Quotas(
        data["day_begins_utc"],
        day["courier"],
        day["merchant"],
        data["rates"],
        alarm["usual_of_days"],
        Alarm(**alarm["recipients"]),
        Alarm(**alarm["denials"]),
    )
