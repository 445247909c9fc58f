"""No condition of a policy can change without a case that notices."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog

from tests.unit.access.mutations import mutants
from tests.unit.access.shipped import actions, cases, policies
from vault_gateway.access.cases import failures


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Mutants fail to evaluate by the thousand: that is what they are for, and not worth a line each."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**before)


def test_each_mutant_of_each_policy_fails_a_case() -> None:
    tried = list(mutants(policies(), actions()))
    # The cases that a mutant's policy decided are the likely ones to notice: first, so that this test is quick.
    survivors = [
        str(mutant)
        for mutant in tried
        if next(
            failures(mutant.policies, sorted(cases(), key=lambda case: mutant.policy not in case.policies)),
            None,
        )
        is None
    ]

    assert len(tried) > 10 * len(policies().statements)
    assert survivors == []


def test_an_action_applies_to_one_type_of_resource() -> None:
    """Which is why no mutant widens `resource is ...`: the action alone says the type, and the policy says it once
    more for the reader."""
    assert {name: action.resources for name, action in actions().items() if len(action.resources) != 1} == {}
