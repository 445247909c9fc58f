"""What is asked before every request is asked of Cedar once, and never answered for another question or policy set."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import cedarpy
import pytest

from tests.unit.access.shipped import policies
from vault_gateway.access import Access, Policies, Resource, decisions
from vault_gateway.access.policies import parse_policies
from vault_gateway.model import Principal, Role

TEA = Principal("key:tea", Role.MERCHANT, platform="douyin", merchant="tea")
OWN = Resource("Tenant", "1", {"platform": "douyin", "merchant": "tea"})
FOREIGN = Resource("Tenant", "1", {"platform": "douyin", "merchant": "coffee"})


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The questions that reach Cedar."""
    questions: list[object] = []
    real = cedarpy.is_authorized_batch

    def counted(requests: list[dict[str, Any]], *rest: Any) -> Any:
        questions.extend(requests)
        return real(requests, *rest)

    monkeypatch.setattr(cedarpy, "is_authorized_batch", counted)
    return questions


def test_an_equal_question_is_asked_once(asked: list[object]) -> None:
    access = Access(policies())
    answers = [access.decide_on_ground(replace(TEA), "token.create", replace(OWN)) for _ in range(3)]
    assert answers == [access.decide(TEA, "token.create", OWN)] * 3
    assert answers[0].allowed
    assert len(asked) == 2


def test_each_part_of_a_question_makes_another() -> None:
    access = Access(policies())
    people = [TEA, replace(TEA, merchant="coffee"), replace(TEA, role=Role.PLATFORM, merchant=None)]
    people += [replace(TEA, role=Role.AUDITOR), replace(TEA, id="key:other")]
    actions, grounds = ["token.create", "token.erase", "audit.read"], [OWN, FOREIGN, replace(OWN, id="2")]
    for _ in range(2):
        for who, action, ground in itertools.product(people, actions, grounds):
            assert access.decide_on_ground(who, action, ground) == access.decide(who, action, ground)


def test_a_new_policy_set_decides_anew_and_the_one_before_too() -> None:
    nothing = parse_policies({}, policies().schema_text)
    in_force: list[Policies] = [policies()]
    access = Access(lambda: in_force[0])
    allowed = []
    for chosen in (policies(), nothing, nothing, policies()):
        in_force[0] = chosen
        allowed.append(access.decide_on_ground(TEA, "token.create", OWN).allowed)
    assert allowed == [True, False, False, True]


def test_what_cannot_be_evaluated_is_not_remembered(asked: list[object]) -> None:
    access = Access(policies())
    for _ in range(2):
        assert access.decide_on_ground(TEA, "token.create", Resource("Tenant", "1", {})).fault
    assert len(asked) == 2


def test_no_more_is_kept_than_fits(asked: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decisions, "_MOST_ANSWERS", 2)
    access = Access(policies())
    for name in ("1", "2", "3", "3", "1"):
        access.decide_on_ground(TEA, "token.create", replace(OWN, id=name))
    assert len(asked) == 4
