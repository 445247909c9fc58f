"""Taking a permit away or adding a forbid never lets anybody do more."""

from __future__ import annotations

from dataclasses import replace

import cedarpy
import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.access_worlds import Question, questions
from tests.unit.access.shipped import actions, attributes, policies
from vault_gateway.access import Access, Policies

SHIPPED = Access(policies())


@st.composite
def forbids(draw: st.DrawFn) -> str:
    """Any forbid of some role, some action and up to two conditions that the schema allows."""
    action = draw(st.sampled_from(sorted(actions())))
    (type_,) = actions()[action].resources
    role = draw(st.sampled_from(sorted(actions()[action].principals)))
    conditions = draw(st.lists(st.sampled_from(_conditions(type_)), max_size=2))
    principal = draw(st.sampled_from(["principal", f"principal is {role}"]))
    asked = draw(st.sampled_from(["action", f'action == Action::"{action}"']))
    when = f" when {{ {' && '.join(conditions)} }}" if conditions else ""
    return f'@id("new") forbid ({principal}, {asked}, resource is {type_}){when};'


def _conditions(type_: str) -> list[str]:
    texts = ["true", "false"]
    for name, attribute in attributes()[type_].items():
        guard = f"resource has {name} && " if attribute.optional else ""
        compared = "< 2" if attribute.kind == "Long" else '== "a"'
        texts.append(f"({guard}resource.{name} {compared})")
        texts += [f"!(resource has {name})"] if attribute.optional else []
    return texts


def without(names: set[str]) -> Policies:
    kept = {name: body for name, body in policies().statements.items() if name not in names}
    document = {"templates": {}, "staticPolicies": kept, "templateLinks": []}
    policy_set = cedarpy.PolicySet.from_json_str(orjson.dumps(document).decode())
    return replace(policies(), policy_set=policy_set)


def with_added(text: str) -> Policies:
    assert cedarpy.validate_policies(text, policies().schema).validation_passed, text
    return replace(policies(), policy_set=policies().policy_set.with_added_str(text))


permits = sorted(name for name, body in policies().statements.items() if body["effect"] == "permit")


@settings(max_examples=150, deadline=None)
@given(
    asked=st.lists(questions(), min_size=5, max_size=15),
    removed=st.sets(st.sampled_from(permits), min_size=1),
)
def test_removing_permits_never_turns_a_denial_into_an_allow(
    asked: list[Question], removed: set[str]
) -> None:
    fewer = Access(without(removed))

    for question in asked:
        before, after = question.put_to(SHIPPED), question.put_to(fewer)
        assert before.allowed or not after.allowed
        # What only the removed ones permitted is permitted no more.
        if before.allowed and set(before.policies) <= removed:
            assert not after.allowed


@settings(max_examples=150, deadline=None)
@given(asked=st.lists(questions(), min_size=5, max_size=15), forbid=forbids())
def test_adding_a_forbid_never_turns_a_denial_into_an_allow(asked: list[Question], forbid: str) -> None:
    stricter = Access(with_added(forbid))

    for question in asked:
        before, after = question.put_to(SHIPPED), question.put_to(stricter)
        assert before.allowed or not after.allowed
        if before.allowed and not after.allowed:
            assert after.reason == "new"


@settings(max_examples=150, deadline=None)
@given(asked=st.lists(questions(), min_size=5, max_size=15))
def test_no_question_that_fits_the_schema_fails_to_be_evaluated(asked: list[Question]) -> None:
    """A validated policy set never denies by a fault: each denial is one that somebody wrote."""
    assert [question for question in asked if question.put_to(SHIPPED).fault] == []
