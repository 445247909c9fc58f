"""The walks of this folder go over the whole document: what is new in it is named here or fails."""

from __future__ import annotations

import re

import pytest

from tests.functional.guarantees.requests import (
    SAMPLES,
    UNDER_A_KEY,
    fields_of,
    kind_of,
    places_of,
)


def test_every_operation_under_a_key_has_a_sample() -> None:
    assert SAMPLES.keys() == UNDER_A_KEY.keys()


@pytest.mark.parametrize("name", sorted(UNDER_A_KEY))
def test_every_reference_that_an_operation_takes_stands_in_a_sample(name: str) -> None:
    operation = UNDER_A_KEY[name]
    taken = {f"path/{one}" for one in re.findall(r"{(\w+)}", operation.path)}
    if operation.query is not None:
        taken |= {f"query/{one}" for one in fields_of(operation.query)}
    taken |= {f"body/{one}" for shape in operation.bodies for one in fields_of(shape)}
    references = {one for one in taken if kind_of(operation, one.rpartition("/")[2]) is not None}
    sampled = {
        "/".join([place.where, *(step for step in place.way if isinstance(step, str))])
        for one in SAMPLES[name]
        for place in places_of(operation, one)
    }
    # Items of a tokenise request are read one by one, and no schema has them.
    assert sampled - {"body/items/value"} == references
