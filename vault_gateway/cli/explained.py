"""An explanation of a decision, for an operator to read or a program to take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from vault_gateway.access.decisions import attributes_of
from vault_gateway.access.explain import Condition, Explanation, Finding
from vault_gateway.access.resources import Resource
from vault_gateway.model import Principal


@dataclass(frozen=True, slots=True)
class Told:
    """A question and what was found. `live`: the client's key is in force. `visible`: the client may know that
    there is such a resource at all."""

    principal: Principal
    action: str
    resource: Resource
    found: Explanation
    live: bool
    visible: bool


def as_json(told: Told) -> dict[str, Any]:
    decision = told.found.decision
    return {
        "allowed": decision.allowed and told.live,
        "policies": list(decision.policies),
        "reason": decision.reason,
        "fault": decision.fault,
        "client": {
            "id": told.principal.id,
            "role": told.principal.role.value,
            "live": told.live,
            **attributes_of(told.principal),
        },
        "action": told.action,
        "resource": {"type": told.resource.type, "id": told.resource.id, **told.resource.attributes},
        "caller_hears": hears(told),
        "considered": [
            {
                "policy": finding.policy,
                "effect": finding.effect,
                "says": finding.says,
                "applies": finding.applies,
                "conditions": [
                    {"kind": c.kind, "text": c.text, "met": c.met, "values": dict(c.values)}
                    for c in finding.conditions
                ],
            }
            for finding in told.found.findings
        ],
    }


def as_lines(told: Told) -> Iterator[str]:
    decision, who = told.found.decision, told.principal
    verdict = "allow" if decision.allowed and told.live else "deny"
    yield f"{verdict}: {who.id} {told.action} {told.resource.type} {told.resource.id}"
    yield f"  client    {_named({'role': who.role.value, **attributes_of(who)})}"
    yield f"  resource  {_named(told.resource.attributes)}"
    yield f"  decided   {_decided(told)}"
    yield f"  caller    {hears(told)}"
    for finding in sorted(told.found.findings, key=lambda f: (f.policy not in decision.policies, f.policy)):
        yield from _of_finding(finding)


def hears(told: Told) -> str:
    """What the gateway would answer, as far as the policies say it."""
    if not told.live:
        return "401: its key is not in force, or its issuer not trusted"
    if told.found.decision.allowed:
        return "is served, where the state of things and the quotas permit it too"
    return "403 and the reason" if told.visible else "404, as if there were nothing"


def _decided(told: Told) -> str:
    decision = told.found.decision
    if not told.live:
        return "by who asks: its key or issuer was revoked, or its carrier has no such courier"
    if decision.fault:
        return f"no policy can: the schema does not let {told.action!r} be asked about such a {told.resource.type}"
    if decision.policies:
        return "by " + ", ".join(decision.policies)
    if any(finding.effect == "permit" for finding in told.found.findings):
        return "by no policy: nothing permits it"
    return f"by no policy: none lets a {told.principal.role.value} do this at all"


def _of_finding(finding: Finding) -> Iterator[str]:
    verb = {"permit": ("permits", "does not permit"), "forbid": ("forbids", "does not forbid")}[
        finding.effect
    ]
    yield f"  {finding.policy} {verb[0] if finding.applies else verb[1]}: {finding.says}"
    for condition in finding.conditions:
        mark = {True: "met", False: "not met", None: "cannot be told"}[condition.met]
        yield f"    {mark:<15} {condition.kind} {condition.text}{_read(condition)}"


def _read(condition: Condition) -> str:
    """What the attributes were that a condition read."""
    values = [
        f"{name} is {'not there' if value is None else repr(value)}"
        for name, value in condition.values.items()
    ]
    return f"   ({', '.join(values)})" if values else ""


def _named(attributes: dict[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in attributes.items())
