"""Random questions to the access policies, close enough to each other that many are permitted."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from tests.unit.access.shipped import Attribute, actions, attributes
from vault_gateway.access import Access, Decision, Resource
from vault_gateway.model import Principal, Role
from vault_gateway.waybills.states import State

# Few names, so that two of a world are often the same.
_SLUGS = st.sampled_from(["a", "b"])
_TIMES = st.integers(0, 4)
_PURPOSES = st.sampled_from(["deliver", "contact", "sort", "marketing"])
_OF_NAME: dict[str, st.SearchStrategy[str | int]] = {
    "state": st.sampled_from([state.value for state in State]),
    "origin": st.sampled_from(["merchant", "platform"]),
    "holder": st.sampled_from(["a", "b", "station/a", "station/b"]),
    "telecom": st.sampled_from(["key:a", "key:b"]),
    "requester": st.sampled_from(["key:a", "key:b"]),
}


@dataclass(frozen=True)
class Question:
    principal: Principal
    action: str
    resource: Resource
    context: dict[str, str | int]

    def put_to(self, access: Access) -> Decision:
        return access.decide(self.principal, self.action, self.resource, self.context)


@st.composite
def principals(draw: st.DrawFn, roles: st.SearchStrategy[Role] | None = None) -> Principal:
    role = draw(st.sampled_from(Role) if roles is None else roles)
    slug = {name: draw(_SLUGS) for name in ("platform", "merchant", "carrier", "station", "handle", "issuer")}
    names = {
        Role.PLATFORM: ["platform"],
        Role.MERCHANT: ["platform", "merchant"],
        Role.CARRIER: ["carrier"],
        Role.STATION: ["carrier", "station"],
        Role.COURIER: ["carrier", "handle"],
        Role.RESPONDER: ["issuer"],
        Role.AUDITOR: draw(st.sampled_from([[], ["platform"], ["platform", "merchant"]])),
    }.get(role, [])
    suspended = role is Role.COURIER and draw(st.integers(0, 4)) == 0
    return Principal(f"key:{draw(_SLUGS)}", role, **{name: slug[name] for name in names}, suspended=suspended)


@st.composite
def resources(draw: st.DrawFn, type_: str) -> Resource:
    """Any resource of a type that the schema allows."""
    made: dict[str, str | int] = {}
    for name, attribute in attributes()[type_].items():
        if not attribute.optional or draw(st.booleans()):
            made[name] = draw(_values(name, attribute))
    return Resource(type_, "r", made)


def _values(name: str, attribute: Attribute) -> st.SearchStrategy[str | int]:
    return _TIMES if attribute.kind == "Long" else _OF_NAME.get(name, _SLUGS)


@st.composite
def questions(draw: st.DrawFn, among: tuple[str, ...] | None = None) -> Question:
    action = draw(st.sampled_from(among or sorted(actions())))
    (type_,) = actions()[action].resources
    context: dict[str, str | int] = {}
    if action in ("reveal.issue", "reveal.claim"):
        context = {"purpose": draw(_PURPOSES), "now": draw(_TIMES)}
    return Question(draw(principals()), action, draw(resources(type_)), context)
