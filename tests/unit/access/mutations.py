"""Every policy set that differs from a given one in a single condition, in Cedar's JSON form of policies."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import cedarpy
import orjson

from tests.unit.access.shipped import Action
from vault_gateway.access import Policies

Node = dict[str, Any]

TRUE: Node = {"Value": True}
_ANY: Node = {"op": "All"}
_OTHER_COMPARISONS = {
    "==": ("!=",),
    "!=": ("==",),
    "<": ("<=", ">="),
    "<=": ("<", ">"),
    ">": (">=", "<="),
    ">=": (">", "<"),
}


@dataclass(frozen=True)
class Mutant:
    policy: str
    change: str
    policies: Policies

    def __str__(self) -> str:
        return f"{self.policy}: {self.change}"


def mutants(policies: Policies, actions: Mapping[str, Action]) -> Iterator[Mutant]:
    """A mutant that decides alike by the schema alone is not made: a policy that names each action there is on its
    type of resource would not change by naming any."""
    statements = policies.statements
    for name, statement in statements.items():
        yield Mutant(name, "removed", _with(policies, {k: v for k, v in statements.items() if k != name}))
        if _could_do_more(statement, actions):
            yield Mutant(
                name, "any action", _with(policies, {**statements, name: {**statement, "action": _ANY}})
            )
        for change, mutated in _of_statement(statement):
            yield Mutant(name, change, _with(policies, {**statements, name: mutated}))


def _with(policies: Policies, statements: dict[str, Node]) -> Policies:
    document = {"templates": {}, "staticPolicies": statements, "templateLinks": []}
    policy_set = cedarpy.PolicySet.from_json_str(orjson.dumps(document).decode())
    return replace(policies, policy_set=policy_set)


def _could_do_more(statement: Node, actions: Mapping[str, Action]) -> bool:
    scope = statement["action"]
    named = {entity["id"] for entity in scope.get("entities") or [scope["entity"]]}
    type_ = statement["resource"]["entity_type"]
    return bool({name for name, action in actions.items() if type_ in action.resources} - named)


def _of_statement(statement: Node) -> Iterator[tuple[str, Node]]:
    flipped = "forbid" if statement["effect"] == "permit" else "permit"
    yield f"{flipped}s", {**statement, "effect": flipped}
    yield "any principal", {**statement, "principal": _ANY}
    yield from _without_an_action(statement)
    for position, condition in enumerate(statement["conditions"]):
        yield from _of_condition(statement, position, condition)


def _without_an_action(statement: Node) -> Iterator[tuple[str, Node]]:
    if statement["action"]["op"] != "in":
        return
    entities = statement["action"]["entities"]
    for gone in entities:
        kept = [entity for entity in entities if entity != gone]
        yield f"not for {gone['id']}", {**statement, "action": {"op": "in", "entities": kept}}


def _of_condition(statement: Node, position: int, condition: Node) -> Iterator[tuple[str, Node]]:
    def put(*conditions: Node) -> Node:
        kept = list(statement["conditions"])
        kept[position : position + 1] = conditions
        return {**statement, "conditions": kept}

    kind, body = condition["kind"], condition["body"]
    yield f"{kind} ({position}) removed", put()
    other = "unless" if kind == "when" else "when"
    yield f"{kind} ({position}) turned into {other}", put({"kind": other, "body": body})
    for change, mutated in _of_expression(body):
        yield f"{kind} ({position}): {change}", put({"kind": kind, "body": mutated})


def _of_expression(node: Node) -> Iterator[tuple[str, Node]]:
    """Each way to change one place of an expression of truth, with what was changed in Cedar's words."""
    ((operator, operands),) = node.items()
    told = text_of(node)
    if operator in ("&&", "||"):
        for side, other in (("left", "right"), ("right", "left")):
            yield f"dropped {text_of(operands[side])}", operands[other]
            for change, mutated in _of_expression(operands[side]):
                yield change, {operator: {**operands, side: mutated}}
        swapped = "||" if operator == "&&" else "&&"
        yield f"{swapped} in {told}", {swapped: operands}
    elif operator == "!":
        yield f"affirmed {told}", operands["arg"]
        yield f"true for {told}", TRUE
        for change, mutated in _of_expression(operands["arg"]):
            yield change, {"!": {"arg": mutated}}
    else:
        yield f"negated {told}", {"!": {"arg": node}}
        yield f"true for {told}", TRUE
        for comparison in _OTHER_COMPARISONS.get(operator, ()):
            yield f"{comparison} in {told}", {comparison: operands}
        for side in ("left", "right"):
            if isinstance(operands.get(side), dict) and isinstance(operands[side].get("Value"), str):
                changed = copy.deepcopy(node)
                changed[operator][side]["Value"] += "?"
                yield f"another text in {told}", changed


def text_of(expression: Node) -> str:
    statement = {
        "effect": "permit",
        "principal": _ANY,
        "action": _ANY,
        "resource": _ANY,
        "conditions": [{"kind": "when", "body": expression}],
    }
    document = {"templates": {}, "staticPolicies": {"policy0": statement}, "templateLinks": []}
    text = cedarpy.policies_from_json_str(orjson.dumps(document).decode())
    return text.partition("when {")[2].rpartition("}")[0].strip()
