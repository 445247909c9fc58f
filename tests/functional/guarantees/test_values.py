"""Guarantee 1 has a test for every place that takes a value: whoever tries 10,000 candidates there learns nothing. What
is new in the document and takes a value fails here until somebody has attacked it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests import canaries
from tests.functional.guarantees.requests import UNDER_A_KEY, fields_of
from tests.functional.tokens.steps import candidates_for
from tests.world import Town

ROOT = Path(__file__).parents[3]
_ORACLE = "tests/functional/tokens/test_oracle.py"

# Names of fields that take what a person typed, or a part of it.
_VALUES = ("value", "last4", "caller", "text")
# By operation and field: where it is attacked.
ATTACKED = {
    ("create_tokens", "items/value"): f"{_ORACLE}::test_tokenising_candidates_tells_nothing",
    ("search_tokens", "value"): f"{_ORACLE}::test_searching_candidates_stops_at_the_days_quota_and_rings",
    ("search_tokens", "last4"): f"{_ORACLE}::test_looking_at_candidates_tells_nothing",
    ("search_counter", "last4"): "tests/functional/waybills/test_counter.py::",
    ("register_courier", "phone"): "tests/functional/guarantees/test_values.py::"
    "test_registering_couriers_with_candidates_tells_nothing",
    # A telecom is told where to connect a call: what it learns by callers is less. Guessing is locked.
    ("route_call", "caller"): "tests/functional/relay/test_guessing.py::",
    ("route_call", "text"): "tests/functional/relay/test_guessing.py::",
}
# Where tokens are given for values: two of candidates and of the right one look alike.
BY_TOKENS = {
    "match_tokens": f"{_ORACLE}::test_matching_candidates_tells_nothing",
    "look_up_tokens": f"{_ORACLE}::test_looking_at_candidates_tells_nothing",
    "create_waybills": f"{_ORACLE}::test_a_waybill_of_mixed_tokens_tells_nothing",
    "correct_waybill": "tests/functional/guarantees/test_values.py::"
    "test_correcting_a_parcel_to_candidates_tells_nothing",
}


def test_every_place_that_takes_a_value_is_attacked() -> None:
    taking = {
        (operation.name, path)
        for operation in UNDER_A_KEY.values()
        for shape in operation.bodies
        for path in fields_of(shape)
        if path.rpartition("/")[2] in _VALUES
    }
    # Items of a tokenise request are read one by one, and no schema has them; couriers' phones are looked at apart.
    apart = {("create_tokens", "items/value"), ("register_courier", "phone")}
    assert taking | apart == ATTACKED.keys()
    recipients = {
        operation.name
        for operation in UNDER_A_KEY.values()
        for shape in operation.bodies
        if {"phone", "tokens"} & {path.rpartition("/")[2] for path in fields_of(shape)}
    }
    assert recipients - {"register_courier"} == BY_TOKENS.keys()


@pytest.mark.parametrize("where", sorted({*ATTACKED.values(), *BY_TOKENS.values()}))
def test_where_it_is_attacked_is_there(where: str) -> None:
    path, _, name = where.partition("::")
    text = (ROOT / path).read_text(encoding="utf-8")
    assert f"def {name or 'test_'}" in text


def test_registering_couriers_with_candidates_tells_nothing(town: Town) -> None:
    """A carrier knows a recipient's mask. Whether a courier's phone is a recipient's, no answer tells."""
    victim = canaries.person()
    waybill_no = town.waybill(town.tokenize(victim))
    assert town.event(waybill_no, "accepted").status_code == 201
    candidates = candidates_for(victim.phone)
    right = candidates.index(victim.phone)
    answers: Counter[tuple[int, object]] = Counter()
    for phone in candidates[right - 40 : right + 40]:
        answer = town.carrier.post("/v1/couriers", {"handle": "candidate", "phone": phone})
        answers[answer.status_code, answer.data] += 1
    assert sum(answers.values()) == 80
    assert len(answers) == 1


def test_correcting_a_parcel_to_candidates_tells_nothing(town: Town) -> None:
    """The platform's token on a parcel, and candidates of the merchant's own in its place."""
    victim = canaries.person()
    target = town.tokenize(victim, by=town.platform)
    waybill_no = town.waybill(target)
    candidates = candidates_for(victim.phone)
    right = candidates.index(victim.phone)
    items = [{"kind": "phone", "value": phone} for phone in candidates[right - 20 : right + 20]]
    made = town.merchant.post("/v1/tokens", {"items": items}).get_json()["items"]
    answers: Counter[tuple[int, object]] = Counter()
    for one in made:
        recipient = {**target.as_recipient(), "phone": one["token"]}
        answer = town.merchant.patch(f"/v1/waybills/{waybill_no}", {"recipient": recipient})
        body = answer.get_json()
        answers[answer.status_code, str({name: body[name] for name in body if name != "updated_at"})] += 1
    assert (sum(answers.values()), len(answers)) == (40, 1)
