"""Reads `policies/networks/*.yaml`: networks are data, none of them known to the code by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from vault_gateway.errors import PolicyFileError
from vault_gateway.networks.network import Fee, Network, PlatformRule, Returns, Segment, Stance
from vault_gateway.networks.numbers import CheckDigit, NumberRange
from vault_gateway.networks.verdicts import Networks
from vault_gateway.shapes import SLUG_FIELD
from vault_gateway.yamlfile import read_policy_file

# A shorter number without a letter could be somebody's phone.
_LEAST_DIGITS = 12


class NetworkError(PolicyFileError):
    """A network file cannot be used; the message names the file and the field."""


class _ZoneField(fields.String):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            return ZoneInfo(super()._deserialize(value, attr, data, **kwargs))
        except (LookupError, ValueError, OSError):
            raise ValidationError("There is no such time zone.") from None


class _CheckDigitSchema(Schema):
    weights = fields.List(fields.Integer(strict=True), required=True, validate=validate.Length(1, 24))
    modulus = fields.Integer(required=True, strict=True, validate=validate.Range(2, 100))
    complement = fields.Boolean(load_default=False)
    instead = fields.Dict(fields.Integer(), fields.Integer(), load_default=dict)

    @post_load
    def _build(self, data: dict[str, Any], **_: object) -> CheckDigit:
        rule = CheckDigit(tuple(data["weights"]), data["modulus"], data["complement"], data["instead"])
        if not rule.all_written() <= set(range(10)):
            raise ValidationError("It can come to what is no digit.", "instead")
        return rule


class _SegmentSchema(Schema):
    """One range of serials behind each of its prefixes."""

    prefixes = fields.List(
        fields.String(validate=validate.Regexp(r"\A[A-Z0-9]{0,8}\Z")),
        required=True,
        validate=validate.Length(1),
    )
    digits = fields.Integer(required=True, strict=True, validate=validate.Range(4, 18))
    first = fields.Integer(strict=True, data_key="from")
    last = fields.Integer(strict=True, data_key="to")
    check = fields.String()
    suffix = fields.String(validate=validate.Regexp(r"\A[A-Z]{0,4}\Z"), load_default="")


class _PlatformSchema(Schema):
    platform = fields.String(required=True, validate=SLUG_FIELD)
    stance = fields.Enum(Stance, by_value=True, required=True)
    begins = fields.Date(data_key="from")
    ends = fields.Date(data_key="to")
    zone = _ZoneField(required=True, data_key="time_zone")
    rule = fields.String(required=True, validate=validate.Length(8, 200))

    @validates_schema
    def _holds_at_all(self, data: dict[str, Any], **_: object) -> None:
        if "begins" in data and "ends" in data and data["ends"] < data["begins"]:
            raise ValidationError("It ends before it begins: the rule would never hold.", "to")

    @post_load
    def _build(self, data: dict[str, Any], **_: object) -> PlatformRule:
        return PlatformRule(**data)


class _FeeSchema(Schema):
    begins = fields.Date(required=True, data_key="from")
    amount = fields.Decimal(required=True, validate=validate.Range(min=Decimal(0)))
    currency = fields.String(required=True, validate=validate.Regexp(r"\A[A-Z]{3}\Z"))
    payer = fields.String(required=True, validate=validate.OneOf(["carrier", "merchant", "platform"]))

    @post_load
    def _build(self, data: dict[str, Any], **_: object) -> Fee:
        return Fee(**data)


class _ReturnsSchema(Schema):
    share = fields.Decimal(required=True, validate=validate.Range(Decimal(0), Decimal(1)))
    free = fields.Integer(strict=True, validate=validate.Range(0), load_default=0)

    @post_load
    def _build(self, data: dict[str, Any], **_: object) -> Returns:
        return Returns(**data)


class _TestNumberSchema(Schema):
    prefix = fields.String(required=True, validate=validate.Regexp(r"\A[A-Z]{2,6}\Z"))
    digits = fields.Integer(required=True, strict=True, validate=validate.Range(8, 18))

    @post_load
    def _build(self, data: dict[str, Any], **_: object) -> NumberRange:
        return NumberRange(data["prefix"], data["digits"], 0, 10 ** data["digits"] - 1)


class _CarrierSchema(Schema):
    title = fields.String(required=True)
    segments = fields.List(fields.Nested(_SegmentSchema), required=True)


class _NetworkSchema(Schema):
    name = fields.String(required=True, validate=SLUG_FIELD)
    title = fields.String(required=True)
    zone = _ZoneField(required=True, data_key="time_zone")
    test_number = fields.Nested(_TestNumberSchema, required=True)
    check_digits = fields.Dict(fields.String(), fields.Nested(_CheckDigitSchema), load_default=dict)
    carriers = fields.Dict(
        fields.String(validate=SLUG_FIELD), fields.Nested(_CarrierSchema), load_default=dict
    )
    platforms = fields.List(fields.Nested(_PlatformSchema), load_default=list)
    fees = fields.List(fields.Nested(_FeeSchema), load_default=list)
    returns = fields.Nested(_ReturnsSchema, required=True)

    @validates_schema
    def _fees_in_order(self, data: dict[str, Any], **_: object) -> None:
        if any(later.begins <= earlier.begins for earlier, later in pairwise(data["fees"])):
            raise ValidationError("Each begins after the one before.", "fees")

    @post_load
    def _build(self, data: dict[str, Any], **_: object) -> Network:
        return Network(
            name=data["name"],
            title=data["title"],
            zone=data["zone"],
            carriers={slug: carrier["title"] for slug, carrier in data["carriers"].items()},
            segments=tuple(_segments(data)),
            platforms=tuple(data["platforms"]),
            fees=tuple(data["fees"]),
            returns=data["returns"],
            made_up=data["test_number"],
        )


def _segments(data: Mapping[str, Any]) -> Iterator[Segment]:
    for slug, carrier in data["carriers"].items():
        for written in carrier["segments"]:
            for prefix in written["prefixes"]:
                yield Segment(slug, _range(prefix, written, data["check_digits"], slug))


def _range(
    prefix: str, written: Mapping[str, Any], checks: Mapping[str, CheckDigit], slug: str
) -> NumberRange:
    check = None
    if "check" in written:
        check = checks.get(written["check"])
        if check is None or len(check.weights) != written["digits"]:
            raise ValidationError(
                "No check_digits of that name, or not of as many digits.", f"carriers.{slug}"
            )
    top = 10 ** written["digits"] - 1
    span = NumberRange(
        prefix,
        written["digits"],
        written.get("first", 0),
        written.get("last", top),
        written["suffix"],
        check,
    )
    if not 0 <= span.first <= span.last <= top:
        raise ValidationError("from and to are serials of so many digits, in order.", f"carriers.{slug}")
    number = span.number(span.first)
    if not 8 <= len(number) <= 32 or (number.isdigit() and len(number) < _LEAST_DIGITS):
        raise ValidationError("Numbers are 8 to 32 long; without a letter 12 at least.", f"carriers.{slug}")
    return span


def load_networks(folder: Path) -> Networks:
    """All networks of a folder, of one mind with each other, or a NetworkError that says where they are not."""
    found: dict[str, Network] = {}
    for path in sorted(folder.glob("*.yaml")):
        network = read_policy_file(path, _NetworkSchema(), NetworkError)
        if network.name != path.stem:
            raise NetworkError(f"{path}: its name must be {path.stem}")
        found[network.name] = network
    if not found:
        raise NetworkError(f"there is no waybill network in {folder}")
    networks = Networks(found)
    if quarrel := networks.quarrel():
        raise NetworkError(f"{folder}: {quarrel}")
    return networks
