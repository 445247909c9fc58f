"""One question, one answer: may this principal do this to that?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cedarpy
import orjson

from vault_gateway.access.policies import Policies
from vault_gateway.access.resources import Resource
from vault_gateway.model import Principal, Role

# Attributes of a principal that its role's entity type has; the schema refuses any other.
_ATTRIBUTES: Mapping[Role, tuple[str, ...]] = {
    Role.PLATFORM: ("platform",),
    Role.MERCHANT: ("platform", "merchant"),
    Role.CARRIER: ("carrier",),
    Role.STATION: ("carrier", "station", "holder"),
    Role.COURIER: ("carrier", "handle", "holder"),
    Role.TELECOM: (),
    Role.AUDITOR: ("platform", "merchant"),
    Role.RESPONDER: (),
    Role.OPERATOR: (),
}


@dataclass(frozen=True, slots=True)
class Decision:
    """`policies` are the ids that decided. `reason` is the id of the policy that forbade, if one did;
    None with a denial means that nothing permitted it."""

    allowed: bool
    policies: tuple[str, ...]
    reason: str | None


class Access:
    """Decides by a policy set. Anything but a clean Allow is a denial, an evaluation error included."""

    def __init__(self, policies: Policies) -> None:
        self._policies = policies

    def decide(
        self,
        principal: Principal,
        action: str,
        resource: Resource,
        context: Mapping[str, str | int] | None = None,
    ) -> Decision:
        request = {
            "principal": {"type": _entity_type(principal), "id": principal.id},
            "action": {"type": "Action", "id": action},
            "resource": {"type": resource.type, "id": resource.id},
            "context": orjson.dumps(context or {}).decode(),
        }
        answer = cedarpy.is_authorized(
            request, self._policies.policy_set, _entities(principal, resource), self._policies.schema
        )
        names = tuple(sorted(answer.diagnostics.id_annotations_by_reason.values()))
        allowed = answer.allowed and not answer.diagnostics.errors
        return Decision(allowed, names, None if allowed or not names else names[0])


def _entity_type(principal: Principal) -> str:
    return principal.role.value.capitalize()


def _entities(principal: Principal, resource: Resource) -> str:
    attributes = {
        name: value for name in _ATTRIBUTES[principal.role] if (value := getattr(principal, name)) is not None
    }
    return orjson.dumps(
        [
            {
                "uid": {"type": _entity_type(principal), "id": principal.id},
                "attrs": attributes,
                "parents": [],
            },
            {"uid": {"type": resource.type, "id": resource.id}, "attrs": resource.attributes, "parents": []},
        ]
    ).decode()
