"""Every string and every field name of every example is replaced by a sign, in the body, the path and the query:
no answer that fails says the sign."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.functional.documentation.fuzzing import (
    echoed,
    everyone,
    said_of_failures,
    strings_of,
    with_each_string_replaced,
)
from tests.world import Town
from vault_gateway.documentation.document import OPERATIONS
from vault_gateway.documentation.operations import Operation

# One that most fields take, one that none takes, one with the characters of JSON and HTML.
SIGN = "9b1d4e77"
SIGNS = (f"echo-{SIGN}", f"Écho {SIGN}\u2028\x00", f'<b>"{SIGN}\\', f"{SIGN}" * 400)
UNDER_V1 = [operation for operation in OPERATIONS if operation.path.startswith("/v1/")]


def requests_of(operation: Operation) -> Iterator[tuple[str, Any]]:
    """Path with query, and body."""
    plain = re.sub(r"{\w+}", "x", operation.path)
    for sign in SIGNS:
        if operation.bodies:
            for example in operation.body_examples.values():
                yield from ((plain, changed) for changed in with_each_string_replaced(example, sign))
                yield plain, {**example, sign: 1}
        quoted = "".join(f"%{byte:02x}" for byte in sign.encode())
        yield f"{plain}?{quoted}={quoted}", None
        for name in () if operation.query is None else operation.query().fields:
            yield f"{plain}?{name.rstrip('_')}={quoted}", None
        if "{" in operation.path:
            yield re.sub(r"{\w+}", quoted, operation.path), next(iter(operation.body_examples.values()), None)


@pytest.mark.parametrize("operation", UNDER_V1, ids=lambda operation: operation.name)
def test_no_failing_answer_repeats_what_was_sent(town: Town, operation: Operation) -> None:
    people = everyone(town)
    role = next(role for role in operation.roles if role in people)
    failures = 0
    for address, body in requests_of(operation):
        answer = people[role].call(operation.method.upper(), address, body, headers={"X-Sign": SIGN})
        said = said_of_failures(answer.status_code, answer.mimetype or "", answer.data)
        headers = "\n".join(strings_of(dict(answer.headers))) if answer.status_code >= 400 else ""
        assert echoed([SIGN], f"{said}\n{headers}", frozenset()) == [], (address[:80], answer.status_code)
        assert answer.status_code < 500, address[:80]
        failures += answer.status_code >= 400
    # Where nothing is asked for, nothing can be wrong.
    assert failures or not (operation.bodies or operation.query or "{" in operation.path)


def test_an_idempotency_key_is_not_repeated(town: Town) -> None:
    answer = town.merchant.post("/v1/tokens", {"items": []}, headers={"Idempotency-Key": SIGN * 40})
    assert answer.status_code == 422
    assert SIGN not in answer.text


@pytest.mark.parametrize("data", [SIGN.encode(), f'{{"a": {SIGN}}}'.encode(), b"\xff" + SIGN.encode()])
def test_what_is_no_json_is_not_repeated(town: Town, data: bytes) -> None:
    answer = town.merchant.post("/v1/tokens", data=data)
    assert answer.status_code == 400
    assert SIGN not in answer.text


def test_an_echo_would_be_found() -> None:
    said = said_of_failures(422, "application/problem+json", f'{{"detail": "not {SIGN}"}}'.encode())
    assert echoed([SIGN, "other-text"], said, frozenset()) == [SIGN]
    batch = f'{{"items": [{{"ref": "mine-too", "error": {{"detail": "{SIGN}"}}}}]}}'.encode()
    assert echoed([SIGN, "mine-too"], said_of_failures(207, "application/json", batch), frozenset()) == [SIGN]
