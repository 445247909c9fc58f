"""An explanation never says otherwise than the decision it explains."""

from __future__ import annotations

from hypothesis import given, settings

from tests.properties.access_worlds import Question, questions
from tests.unit.access.shipped import policies
from vault_gateway.access import Access
from vault_gateway.access.explain import explain

SHIPPED = Access(policies())


@settings(max_examples=150, deadline=None)
@given(question=questions())
def test_the_findings_that_apply_are_the_policies_that_decide(question: Question) -> None:
    found = explain(policies(), question.principal, question.action, question.resource, question.context)
    decision = question.put_to(SHIPPED)

    assert found.decision == decision
    applying = {
        effect: [f.policy for f in found.findings if f.applies and f.effect == effect]
        for effect in ("permit", "forbid")
    }
    deciding = applying["forbid"] or (applying["permit"] if decision.allowed else [])
    assert tuple(sorted(deciding)) == decision.policies
    assert decision.allowed == bool(applying["permit"] and not applying["forbid"])


@settings(max_examples=150, deadline=None)
@given(question=questions())
def test_a_policy_applies_exactly_when_all_of_its_conditions_are_met(question: Question) -> None:
    found = explain(policies(), question.principal, question.action, question.resource, question.context)

    for finding in found.findings:
        assert finding.applies == all(condition.met is True for condition in finding.conditions)
        assert finding.says
