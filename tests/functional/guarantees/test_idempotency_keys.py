"""Guarantee 10 for Idempotency-Keys: a key that somebody else used, with whatever answer, is a new one."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from werkzeug.test import TestResponse

from tests.functional.guarantees.conftest import Grounds
from tests.functional.guarantees.ground import Ground
from tests.functional.guarantees.requests import SAMPLES, UNDER_A_KEY, fill
from tests.functional.guarantees.values import good_values
from tests.world import unique

IDEMPOTENT = sorted(name for name, operation in UNDER_A_KEY.items() if operation.idempotent)


def ask(ground: Ground, name: str, role: str, key: str) -> TestResponse:
    operation, one = UNDER_A_KEY[name], SAMPLES[name][0]
    asked = fill(operation, one, good_values(operation, one, role, ground))
    path = f"{asked.path}?{urlencode(asked.query)}" if asked.query else asked.path
    headers = {"Idempotency-Key": key}
    if asked.text is not None:
        headers["Content-Type"] = "text/csv"
        return ground.people[role].call(asked.method, path, data=asked.text.encode(), headers=headers)
    return ground.people[role].call(asked.method, path, asked.body, headers=headers)


@pytest.mark.parametrize("name", IDEMPOTENT)
def test_a_key_that_another_used_is_a_new_one(grounds: Grounds, name: str) -> None:
    for role in UNDER_A_KEY[name].roles:
        key = unique("key")
        mine = ask(grounds.own, name, role, key)
        theirs = ask(grounds.abroad, name, role, key)
        fresh = ask(grounds.abroad, name, role, unique("key"))
        assert mine.status_code < 500
        if theirs.status_code < 400:
            # Their own, and not what I was answered.
            assert theirs.data != mine.data or name == "replace_routes"
        else:
            assert (theirs.status_code, theirs.get_json()["code"]) == (
                fresh.status_code,
                fresh.get_json()["code"],
            )
        said = theirs.get_data(as_text=True)
        for kind in ("merchant", "carrier", "platform", "phone", "created", "accepted", "out"):
            assert grounds.own.live[kind] not in said, (role, kind)
