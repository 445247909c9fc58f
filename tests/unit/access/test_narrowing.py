"""Only the policies that can meet a question are asked, and the answer is that of all of them."""

from __future__ import annotations

import itertools

import cedarpy
import pytest

from tests.unit.access.shipped import cases, policies
from vault_gateway.access import Access, Policies, Resource
from vault_gateway.access.cases import Case
from vault_gateway.access.decisions import question
from vault_gateway.access.policies import parse_policies
from vault_gateway.model import Principal, Role

# Every way in which Cedar's first line may name a principal and a resource.
OTHER_SCOPES = """
@id("anyone") permit (principal, action, resource);
@id("one") forbid (principal == Courier::"key:li", action, resource);
@id("one-thing") forbid (principal, action, resource == Waybill::"1");
@id("within") forbid (principal in Merchant::"key:tea", action, resource);
@id("is-within") forbid (principal is Carrier in Carrier::"key:sf", action, resource);
@id("thing-is") forbid (principal, action == Action::"fleet.list", resource is Fleet);
@id("both") forbid (principal is Station, action, resource is Waybill);
@id("tested") forbid (principal, action, resource) when { principal is Auditor };
"""
PRINCIPALS = [
    Principal("key:li", Role.COURIER, carrier="sf", handle="li"),
    Principal("key:wu", Role.COURIER, carrier="sf", handle="wu"),
    Principal("key:tea", Role.MERCHANT, platform="douyin", merchant="tea"),
    Principal("key:sf", Role.CARRIER, carrier="sf"),
    Principal("key:yt", Role.CARRIER, carrier="yt"),
    Principal("key:north", Role.STATION, carrier="sf", station="north"),
    Principal("key:eye", Role.AUDITOR),
]
_PARCEL: dict[str, str | int] = {"platform": "p", "merchant": "m", "carrier": "sf", "state": "created"}
QUESTIONS = [
    ("waybill.read", Resource("Waybill", "1", _PARCEL)),
    ("waybill.read", Resource("Waybill", "2", _PARCEL)),
    ("fleet.list", Resource("Fleet", "sf", {"carrier": "sf"})),
    ("courier.list", Resource("Fleet", "sf", {"carrier": "sf"})),
]


def by_all(asked: Policies, case: Case) -> tuple[bool, tuple[str, ...]]:
    """What Cedar says, given the whole set."""
    request, entities = question(case.principal, case.action, case.resource, case.context)
    answer = cedarpy.is_authorized(request, asked.policy_set, entities, asked.schema)
    return answer.allowed, tuple(sorted(answer.diagnostics.id_annotations_by_reason.values()))


def test_each_case_is_decided_as_by_all_policies() -> None:
    access = Access(policies())
    for case in cases():
        decision = access.decide(case.principal, case.action, case.resource, case.context)
        assert (decision.allowed, decision.policies) == by_all(policies(), case), case


@pytest.mark.parametrize(("action", "resource"), QUESTIONS, ids=str)
@pytest.mark.parametrize("principal", PRINCIPALS, ids=lambda one: one.id)
def test_whatever_a_first_line_says(principal: Principal, action: str, resource: Resource) -> None:
    lines = [line for line in OTHER_SCOPES.splitlines() if line]
    # Each one beside the permit, so that none hides another.
    for some in itertools.chain([lines], ([lines[0], other] for other in lines[1:])):
        asked = parse_policies({"other.cedar": "\n".join(some)}, policies().schema_text)
        decision = Access(asked).decide(principal, action, resource)
        case = Case(1, "", principal, action, "", resource, {}, True, (), "")
        assert (decision.allowed, decision.policies) == by_all(asked, case)


def test_few_policies_are_asked() -> None:
    """What a decision costs is this number and the parsing of two entities: see `benchmarks/decisions.py`."""
    asked = policies().that_can_meet("Courier", "Waybill").to_pst().static_policies
    everyone = policies().policy_set.to_pst().static_policies
    assert 0 < len(asked) * 4 < len(everyone)
    assert not policies().that_can_meet("Courier", "AccessLog").to_pst().static_policies


def test_a_policy_too_deep_to_be_taken_apart_leaves_every_one_to_cedar() -> None:
    long = " || ".join(f'resource.carrier == "c{number}"' for number in range(130))
    text = f'@id("long") forbid (principal is Carrier, action, resource is Fleet) when {{ {long} }};'
    asked = parse_policies({"shipped": policies().text, "long": text}, policies().schema_text)
    carrier = Principal("key:c7", Role.CARRIER, carrier="c7")
    decision = Access(asked).decide(carrier, "fleet.list", Resource("Fleet", "c7", {"carrier": "c7"}))
    assert (decision.allowed, decision.reason) == (False, "long")
    for case in cases()[:50]:
        decided = Access(asked).decide(case.principal, case.action, case.resource, case.context)
        assert (decided.allowed, decided.policies) == by_all(asked, case)
