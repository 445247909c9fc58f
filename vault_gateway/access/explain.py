"""Why a question is answered as it is: which policies speak to it, and which condition of each holds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import cedarpy
import orjson

from vault_gateway.access.decisions import Access, Decision, attributes_of, entity_type, question
from vault_gateway.access.policies import Policies
from vault_gateway.access.resources import Resource
from vault_gateway.model import Principal

_ANYONE = {"principal": {"op": "All"}, "action": {"op": "All"}, "resource": {"op": "All"}}
_ATTRIBUTE = re.compile(r"\b(principal|resource|context)(?:\.| has )(\w+)")
_NEEDLESS = re.compile(r"\(((?:principal|resource|context)\.\w+)\)")


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a policy in Cedar's words; `met` as the policy needs it, whether it says `when` or `unless`.
    None: it cannot be told, because an attribute that it reads is not there. `values`: what it read."""

    kind: Literal["when", "unless"]
    text: str
    met: bool | None
    values: Mapping[str, str | int | None]


@dataclass(frozen=True, slots=True)
class Finding:
    """A policy that speaks of this role, action and type of resource. It `applies` when all its conditions are met."""

    policy: str
    effect: Literal["permit", "forbid"]
    says: str
    applies: bool
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    decision: Decision
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _Question:
    policies: Policies
    request: dict[str, Any]
    entities: str
    known: Mapping[str, Mapping[str, Any]]


def explain(
    policies: Policies,
    principal: Principal,
    action: str,
    resource: Resource,
    context: Mapping[str, str | int] | None = None,
) -> Explanation:
    """The decision, as `Access.decide` makes it, and what each policy that could matter has to do with it."""
    request, entities = question(principal, action, resource, context)
    known: dict[str, Mapping[str, Any]] = {
        "principal": attributes_of(principal),
        "resource": resource.attributes,
        "context": dict(context or {}),
    }
    asked = _Question(policies, request, entities, known)
    findings = tuple(
        _finding(asked, name, statement)
        for name, statement in policies.statements.items()
        if _speaks(statement, entity_type(principal), action, resource.type)
    )
    return Explanation(Access(policies).decide(principal, action, resource, context), findings)


def _speaks(statement: Mapping[str, Any], principal_type: str, action: str, resource_type: str) -> bool:
    """Whether the first line of a policy, without its conditions, is about such a question."""
    scope = statement["action"]
    named = scope.get("entities", [scope["entity"]] if "entity" in scope else None)
    return (
        statement["principal"].get("entity_type", principal_type) == principal_type
        and statement["resource"].get("entity_type", resource_type) == resource_type
        and (named is None or any(entity["id"] == action for entity in named))
    )


def _finding(asked: _Question, name: str, statement: Mapping[str, Any]) -> Finding:
    conditions = tuple(_conditions(asked, statement))
    return Finding(
        policy=name,
        effect=statement["effect"],
        says=statement["annotations"].get("says", ""),
        applies=_holds(asked, statement["conditions"]) is True,
        conditions=conditions,
    )


def _conditions(asked: _Question, statement: Mapping[str, Any]) -> Iterator[Condition]:
    for clause in statement["conditions"]:
        kind, body = clause["kind"], clause["body"]
        # `when` needs each operand of its &&. `unless` needs that not all of them hold: it is one condition.
        for operand in _operands(body) if kind == "when" else [body]:
            text = _text(operand)
            met = _holds(asked, [{"kind": kind, "body": operand}])
            yield Condition(kind, text, met, _values(asked, text))


def _operands(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if "&&" in body:
        yield from _operands(body["&&"]["left"])
        yield from _operands(body["&&"]["right"])
    else:
        yield body


def _holds(asked: _Question, conditions: list[dict[str, Any]]) -> bool | None:
    """Asks Cedar itself: a policy that permits anyone anything under these conditions, and no other policy."""
    text = _as_policies(conditions)
    answer = cedarpy.is_authorized(
        asked.request, cedarpy.PolicySet.from_json_str(text), asked.entities, asked.policies.schema
    )
    return None if answer.diagnostics.errors else answer.allowed


def _as_policies(conditions: list[dict[str, Any]]) -> str:
    statement = {"effect": "permit", **_ANYONE, "conditions": conditions}
    document = {"templates": {}, "staticPolicies": {"condition": statement}, "templateLinks": []}
    return orjson.dumps(document).decode()


def _text(expression: Mapping[str, Any]) -> str:
    """An expression as Cedar prints it, without the parentheses that it puts around every attribute."""
    printed = cedarpy.policies_from_json_str(_as_policies([{"kind": "when", "body": dict(expression)}]))
    return _NEEDLESS.sub(r"\1", printed.partition("when {")[2].rpartition("}")[0].strip())


def _values(asked: _Question, text: str) -> dict[str, str | int | None]:
    return {f"{of}.{name}": asked.known[of].get(name) for of, name in _ATTRIBUTE.findall(text)}
