"""The cases that ship: they hold, and they leave no role, action or policy out."""

from __future__ import annotations

import pytest

from tests.unit.access.shipped import actions, cases, policies
from vault_gateway.access import Access
from vault_gateway.access.cases import Case
from vault_gateway.access.decisions import entity_type


@pytest.mark.parametrize("case", cases(), ids=str)
def test_the_policies_decide_as_the_case_says(case: Case) -> None:
    decision = Access(policies()).decide(case.principal, case.action, case.resource, case.context)

    assert (decision.allowed, decision.policies, decision.fault) == (case.allowed, case.policies, False)


def test_there_are_at_least_150_rows_and_each_gives_its_reason() -> None:
    rows = {case.row: case.because for case in cases()}

    assert len(rows) >= 150
    assert all(rows.values())


def test_each_role_and_action_has_a_denial_unless_it_is_permitted_whatever_the_circumstances() -> None:
    always = {
        (statement["principal"]["entity_type"], action)
        for statement in policies().statements.values()
        if statement["effect"] == "permit" and not statement["conditions"]
        for action in _actions_of(statement["action"])
    }
    due = {(role, name) for name, action in actions().items() for role in action.principals} - always
    denied = {(entity_type(case.principal), case.action) for case in cases() if not case.allowed}

    assert sorted(due - denied) == []
    assert always == {
        *(
            ("Operator", action)
            for action in (
                "courier.list",
                "courier.resume",
                "reveal.read",
                "reveal.revoke",
                "relay.pool",
                "usage.read",
                "flows.read",
            )
        ),
        ("Operator", "breakglass.read"),
        ("Operator", "breakglass.revoke"),
        ("Responder", "breakglass.list"),
    }


def test_each_role_and_action_that_a_policy_permits_has_an_allow_by_that_policy() -> None:
    due = {
        (statement["principal"]["entity_type"], action, name)
        for name, statement in policies().statements.items()
        if statement["effect"] == "permit"
        for action in _actions_of(statement["action"])
    }
    allowed = {
        (entity_type(case.principal), case.action, policy)
        for case in cases()
        if case.allowed
        for policy in case.policies
    }

    assert sorted(due - allowed) == []


def test_each_forbid_decides_a_case_of_each_of_its_actions() -> None:
    due = {
        (action, name)
        for name, statement in policies().statements.items()
        if statement["effect"] == "forbid"
        for action in _actions_of(statement["action"])
    }
    denied = {(case.action, policy) for case in cases() if not case.allowed for policy in case.policies}

    assert sorted(due - denied) == []


def test_each_policy_says_in_words_what_it_is_for() -> None:
    silent = [
        name for name, statement in policies().statements.items() if "says" not in statement["annotations"]
    ]

    assert silent == []


def _actions_of(scope: dict[str, object]) -> list[str]:
    entities = scope.get("entities") or [scope["entity"]]
    assert isinstance(entities, list)
    return [entity["id"] for entity in entities]
