"""Waybill networks, read from `policies/networks/*.yaml`: data, none of them known to the code by name."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from marshmallow import Schema, ValidationError, fields, post_load, validate


class NetworkError(Exception):
    """A network file cannot be used; the message names the file and the field."""


@dataclass(frozen=True, slots=True)
class Network:
    """`prefix` and `digits` are the test rule by which a number is made up where no segment is granted."""

    name: str
    prefix: str
    digits: int

    def test_number(self) -> str:
        return f"{self.prefix}{secrets.randbelow(10**self.digits):0{self.digits}d}"


class _TestNumberSchema(Schema):
    prefix = fields.String(required=True, validate=validate.Regexp(r"\A[A-Z]{2,6}\Z"))
    digits = fields.Integer(required=True, validate=validate.Range(8, 18))


class _NetworkSchema(Schema):
    name = fields.String(required=True, validate=validate.Regexp(r"\A[a-z0-9-]{2,40}\Z"))
    title = fields.String(required=True)
    test_number = fields.Nested(_TestNumberSchema, required=True)

    @post_load
    def _build(self, data: Mapping[str, object], **_: object) -> Network:
        rule = data["test_number"]
        assert isinstance(rule, dict)
        return Network(str(data["name"]), str(rule["prefix"]), int(rule["digits"]))


def load_networks(folder: Path) -> dict[str, Network]:
    networks: dict[str, Network] = {}
    for path in sorted(folder.glob("*.yaml")):
        try:
            network = _NetworkSchema().load(yaml.safe_load(path.read_text(encoding="utf-8")))
        except (OSError, yaml.YAMLError, ValidationError) as error:
            raise NetworkError(f"{path}: {error}") from None
        if network.name != path.stem:
            raise NetworkError(f"{path}: its name must be {path.stem}")
        networks[network.name] = network
    if not networks:
        raise NetworkError(f"there is no waybill network in {folder}")
    return networks
