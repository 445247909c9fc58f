"""No condition of a policy can change without a case that notices."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog

from tests.unit.access.mutations import mutants
from tests.unit.access.shipped import actions, cases, policies
from vault_gateway.access.cases import Case, failures
from vault_gateway.access.decisions import entity_type


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Mutants fail to evaluate by the thousand: that is what they are for, and not worth a line each."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**before)


def test_each_mutant_of_each_policy_fails_a_case() -> None:
    tried = list(mutants(policies(), actions()))
    survivors = [
        str(mutant)
        for mutant in tried
        if next(failures(mutant.policies, likely_first(mutant.policy)), None) is None
    ]

    assert len(tried) > 10 * len(policies().statements)
    assert survivors == []


def likely_first(policy: str) -> list[Case]:
    """All cases; first those that the policy decides, then those about what it is about, which are the likely ones to
    notice a mutant of it."""
    statement = policies().statements[policy]

    def unlikely(case: Case) -> tuple[bool, bool, bool]:
        return (
            policy not in case.policies,
            case.resource.type != statement["resource"]["entity_type"],
            entity_type(case.principal) != statement["principal"].get("entity_type"),
        )

    return sorted(cases(), key=unlikely)


def test_an_action_applies_to_one_type_of_resource() -> None:
    """Which is why no mutant widens `resource is ...`: the action alone says the type, and the policy says it once
    more for the reader."""
    assert {name: action.resources for name, action in actions().items() if len(action.resources) != 1} == {}
