"""One question, one answer: may this principal do this to that?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cedarpy
import orjson
import structlog

from vault_gateway.access.policies import Policies
from vault_gateway.access.resources import Resource
from vault_gateway.inforce import InForce, always
from vault_gateway.model import Principal, Role

Context = Mapping[str, str | int]

# One for each client and thing that it does, half a kilobyte each.
_MOST_ANSWERS = 10_000

log = structlog.get_logger("vault_gateway.access")

# Attributes of a principal that its role's entity type has; the schema refuses any other.
_ATTRIBUTES: Mapping[Role, tuple[str, ...]] = {
    Role.PLATFORM: ("platform",),
    Role.MERCHANT: ("platform", "merchant"),
    Role.CARRIER: ("carrier",),
    Role.STATION: ("carrier", "station", "holder"),
    Role.COURIER: ("carrier", "handle", "holder", "suspended"),
    Role.TELECOM: ("id",),
    Role.AUDITOR: ("platform", "merchant"),
    Role.RESPONDER: ("id", "issuer"),
    Role.OPERATOR: (),
}


@dataclass(frozen=True, slots=True)
class Decision:
    """`policies` are the ids that decided. `reason` is the id of the policy that forbade, if one did;
    None with a denial means that nothing permitted it. `fault`: the question could not be evaluated (an
    attribute is missing, the context does not fit the schema), which is a denial too."""

    allowed: bool
    policies: tuple[str, ...]
    reason: str | None
    fault: bool = False


Answers = dict[tuple[object, ...], Decision]


class Access:
    """Decides by a policy set. Anything but a clean Allow is a denial, an evaluation error included."""

    def __init__(self, policies: Policies | InForce[Policies]) -> None:
        """What is in force may change between two questions; one that is being decided keeps its set."""
        self._policies = policies if callable(policies) else always(policies)
        self._remembered: tuple[Policies, Answers] | None = None

    def decide(
        self,
        principal: Principal,
        action: str,
        resource: Resource,
        context: Context | None = None,
    ) -> Decision:
        return self.decide_each(principal, resource, [(action, context)])[0]

    def decide_on_ground(self, principal: Principal, action: str, resource: Resource) -> Decision:
        """`decide` for what is asked before each request of a caller. By one policy set equal questions have equal
        answers, so that those given are remembered for as long as it is in force."""
        policies, answers = self._answers_of(self._policies())
        asked = (principal, action, resource.type, resource.id, *resource.attributes.items())
        known = answers.get(asked)
        if known is None:
            [known] = _decided(policies, principal, resource, [(action, None)])
            if len(answers) >= _MOST_ANSWERS:
                answers.clear()
            if not known.fault:
                answers[asked] = known
        return known

    def decide_each(
        self, principal: Principal, resource: Resource, asked: Sequence[tuple[str, Context | None]]
    ) -> list[Decision]:
        """Of several actions with their contexts, each for itself, in order. Cedar reads principal and resource once,
        which is half of what a decision costs."""
        return _decided(self._policies(), principal, resource, asked)

    def _answers_of(self, policies: Policies) -> tuple[Policies, Answers]:
        """Read and replaced as one: a thread that still decides by an older set writes into that one's answers."""
        remembered = self._remembered
        if remembered is None or remembered[0] is not policies:
            remembered = self._remembered = (policies, {})
        return remembered


def _decided(
    policies: Policies, principal: Principal, resource: Resource, asked: Sequence[tuple[str, Context | None]]
) -> list[Decision]:
    answers = cedarpy.is_authorized_batch(
        [_request(principal, action, resource, context) for action, context in asked],
        policies.that_can_meet(entity_type(principal), resource.type),
        _entities(principal, resource),
        policies.schema,
    )
    return [_decision(principal, action, answer) for (action, _), answer in zip(asked, answers, strict=True)]


def _decision(principal: Principal, action: str, answer: cedarpy.AuthzResult) -> Decision:
    if answer.diagnostics.errors or answer.decision is cedarpy.Decision.NoDecision:
        # Cedar's own text may quote an id: the types and the action tell where to look.
        log.error("policy question cannot be evaluated", role=principal.role.value, action=action)
        return Decision(allowed=False, policies=(), reason=None, fault=True)
    names = tuple(sorted(answer.diagnostics.id_annotations_by_reason.values()))
    return Decision(answer.allowed, names, None if answer.allowed or not names else names[0])


def question(
    principal: Principal, action: str, resource: Resource, context: Context | None = None
) -> tuple[dict[str, Any], str]:
    """A request and its entities, as Cedar takes them."""
    return _request(principal, action, resource, context), _entities(principal, resource)


def _request(
    principal: Principal, action: str, resource: Resource, context: Context | None
) -> dict[str, Any]:
    return {
        "principal": {"type": entity_type(principal), "id": principal.id},
        "action": {"type": "Action", "id": action},
        "resource": {"type": resource.type, "id": resource.id},
        "context": orjson.dumps(context or {}).decode(),
    }


def entity_type(principal: Principal) -> str:
    return principal.role.value.capitalize()


def attributes_of(principal: Principal) -> dict[str, str | bool]:
    return {
        name: value for name in _ATTRIBUTES[principal.role] if (value := getattr(principal, name)) is not None
    }


def _entities(principal: Principal, resource: Resource) -> str:
    return orjson.dumps(
        [
            {
                "uid": {"type": entity_type(principal), "id": principal.id},
                "attrs": attributes_of(principal),
                "parents": [],
            },
            {"uid": {"type": resource.type, "id": resource.id}, "attrs": resource.attributes, "parents": []},
        ]
    ).decode()
