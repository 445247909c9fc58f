"""`cases.yaml`: what the policies have to decide, in rows that an auditor reads and the gateway runs.

    actors:    {li: {role: courier, carrier: sf, handle: li}}
    resources: {parcel: {Waybill: {platform: douyin, merchant: tea, carrier: sf, state: created}}}
    cases:
      - {as: li, do: waybill.read, on: parcel, then: deny, because: it is assigned to nobody}

`as`, `do` and `on` may be lists: the row is then a case for each combination. `by` names every policy that decides:
those that permit, or those that forbid; a denial without `by` is one that nothing permits.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from vault_gateway.access.decisions import Access, Decision
from vault_gateway.access.policies import Policies, PolicyError
from vault_gateway.access.resources import Resource
from vault_gateway.model import Principal, Role
from vault_gateway.yamlfile import read_policy_file

CASES_FILE = "cases.yaml"


@dataclass(frozen=True, slots=True)
class Case:
    """One question and the answer that is due."""

    row: int
    actor: str
    principal: Principal
    action: str
    on: str
    resource: Resource
    context: Mapping[str, str | int]
    allowed: bool
    policies: tuple[str, ...]
    because: str

    def __str__(self) -> str:
        given = " ".join(f"{name}={value}" for name, value in self.context.items())
        return f"row {self.row}: {self.actor} {self.action} {self.on}{' with ' + given if given else ''}"


@dataclass(frozen=True, slots=True)
class Failure:
    case: Case
    decision: Decision

    def __str__(self) -> str:
        due = _told(self.case.allowed, self.case.policies)
        return f"{self.case}: {due} is due ({self.case.because}), decided is {_told_of(self.decision)}"


def _told(allowed: bool, policies: tuple[str, ...]) -> str:
    return f"{'allow' if allowed else 'deny'} by {', '.join(policies) or 'nothing'}"


def _told_of(decision: Decision) -> str:
    if decision.fault:
        return "nothing: the question or a policy does not fit the schema"
    return _told(decision.allowed, decision.policies)


def failures(policies: Policies, cases: Iterable[Case]) -> Iterator[Failure]:
    """The cases that `policies` decide otherwise, as they are found. A question that cannot
    be evaluated fails its case although it is denied: a denial by a typing error would prove nothing."""
    access = Access(policies)
    together: dict[tuple[str, str], list[Case]] = {}
    for case in cases:
        together.setdefault((case.actor, case.on), []).append(case)
    for same in together.values():
        asked = [(case.action, case.context) for case in same]
        decided = access.decide_each(same[0].principal, same[0].resource, asked)
        for case, decision in zip(same, decided, strict=True):
            if not _holds(case, decision):
                yield Failure(case, decision)


def _holds(case: Case, decision: Decision) -> bool:
    return not decision.fault and (decision.allowed, decision.policies) == (case.allowed, case.policies)


class _OneOrMany(fields.Field[list[str]]):
    """A name, or a list of names."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> list[str]:
        names = value if isinstance(value, list) else [value]
        if not names or not all(isinstance(name, str) for name in names):
            raise ValidationError("is a name or a list of names")
        return names


class _Plain(fields.Field[str | int]):
    """What an attribute can be."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str | int:
        if not isinstance(value, str | int):
            raise ValidationError("is a text or a whole number")
        return value


class _ActorSchema(Schema):
    role = fields.Enum(Role, by_value=True, required=True)
    platform = fields.String()
    merchant = fields.String()
    carrier = fields.String()
    station = fields.String()
    handle = fields.String()
    issuer = fields.String()
    suspended = fields.Boolean()


class _RowSchema(Schema):
    as_ = _OneOrMany(data_key="as", required=True)
    do = _OneOrMany(required=True)
    on = _OneOrMany(required=True)
    with_ = fields.Dict(data_key="with", keys=fields.String(), values=_Plain())
    then = fields.String(required=True, validate=validate.OneOf(["allow", "deny"]))
    by = _OneOrMany()
    because = fields.String(required=True, validate=validate.Length(1))


class _FileSchema(Schema):
    actors = fields.Dict(keys=fields.String(), values=fields.Nested(_ActorSchema), required=True)
    resources = fields.Dict(
        keys=fields.String(),
        values=fields.Dict(
            keys=fields.String(),
            values=fields.Dict(keys=fields.String(), values=_Plain()),
            validate=validate.Length(equal=1),
        ),
        required=True,
    )
    cases = fields.List(fields.Dict(), required=True, validate=validate.Length(1))


def read_cases(path: Path) -> list[Case]:
    """All cases of the file in order, lists expanded; PolicyError where it cannot be used."""
    data = read_policy_file(path, _FileSchema(), PolicyError)
    actors = {name: Principal(id=f"key:{name}", **entry) for name, entry in data["actors"].items()}
    resources = {name: _resource(name, entry) for name, entry in data["resources"].items()}
    schema = _RowSchema()
    cases: list[Case] = []
    for number, row in enumerate(data["cases"], start=1):
        try:
            cases += _cases_of(number, schema.load(row), actors, resources)
        except ValidationError as error:
            raise PolicyError(f"{path}: row {number}: {error}") from None
        except KeyError as error:
            raise PolicyError(f"{path}: row {number}: there is no actor or resource {error}") from None
    return cases


def _resource(name: str, entry: Mapping[str, dict[str, Any]]) -> Resource:
    ((type_, attributes),) = entry.items()
    return Resource(type_, name, attributes)


def _cases_of(
    number: int, row: dict[str, Any], actors: Mapping[str, Principal], resources: Mapping[str, Resource]
) -> list[Case]:
    allowed, by = row["then"] == "allow", tuple(sorted(row.get("by", ())))
    if allowed and not by:
        raise ValidationError("what is allowed names the policies `by` which it is")
    return [
        Case(
            row=number,
            actor=actor,
            principal=actors[actor],
            action=action,
            on=on,
            resource=resources[on],
            context=row.get("with_", {}),
            allowed=allowed,
            policies=by,
            because=row["because"],
        )
        for actor, action, on in itertools.product(row["as_"], row["do"], row["on"])
    ]
