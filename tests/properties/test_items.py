"""Items of a bulk request: whatever is sent, each has one answer, in its place, and is answered alike again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from vault_gateway.ids import new_ids
from vault_gateway.inforce import always
from vault_gateway.tokens.items import answers_of, made_before, outcomes_of, read_item, restored, stored
from vault_gateway.tokens.masks import MaskingProfile
from vault_gateway.tokens.normalise import Normaliser

NORMALISER = Normaliser(always(MaskingProfile.load(Path("policies/masking.yaml"))))
NOW = datetime(2026, 1, 1, tzinfo=UTC)

scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20))
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
items = st.one_of(
    anything,
    st.fixed_dictionaries(
        {"kind": st.sampled_from(["phone", "name", "address"]) | anything},
        optional={
            "value": st.sampled_from(["13912345678", "张三", "浙江省杭州市西湖区文三路1号"]) | anything,
            "ref": st.text(max_size=130) | anything,
            "region": st.sampled_from(["CN", "GB", "ZZ"]) | anything,
            "more": anything,
        },
    ),
)


@given(sent=st.lists(items, max_size=8))
def test_each_item_has_its_own_answer_and_the_same_again(sent: list[Any]) -> None:
    read = [read_item(NORMALISER, item) for item in sent]
    good = [item for item in read if item.error is None]
    outcomes = outcomes_of(read, ids := new_ids(NOW, len(good)))
    answers = answers_of(read, outcomes, {})
    assert len(answers) == len(sent)
    assert [("token" in answer, "error" in answer) for answer in answers] == [
        (item.error is None, item.error is not None) for item in read
    ]
    for answer, item in zip(answers, sent, strict=True):
        assert "ref" not in answer or answer["ref"] == item["ref"]
    again = restored(stored(outcomes))
    assert answers_of([read_item(NORMALISER, item) for item in sent], again, {}) == answers
    assert made_before(read, again) == []
    assert [outcome for outcome in again if not isinstance(outcome, str)] == ids


@given(sent=st.lists(items, max_size=8))
def test_what_is_stored_is_ids_and_codes(sent: list[Any]) -> None:
    read = [read_item(NORMALISER, item) for item in sent]
    ids = new_ids(NOW, sum(item.error is None for item in read))
    codes = {f"!{item.error.code}" for item in read if item.error is not None}
    assert set(stored(outcomes_of(read, ids))) <= codes | {str(token_id) for token_id in ids}
