"""The table of codes and the source have the same codes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import vault_gateway
from vault_gateway.access.policies import read_policies
from vault_gateway.documentation.codes import CODES, by_status
from vault_gateway.settings.policies import default_policies

SOURCE = Path(vault_gateway.__file__).parent
# Where the code is not a literal: each place is looked at below, or repeats a code from elsewhere.
NOT_LITERAL = {
    "relay/own_phones.py",  # what the normaliser refused
    "tokens/service.py",  # the same
    "problems.py",  # `names` in _http_error
    "errors.py",  # unavailable(engine)
    "reveals/breakglass/service.py",  # _require_approver: the policies' own ids
    "reveals/grants.py",  # forbidden: the policies' own ids
    "waybills/creating.py",  # _stored_error: a code from an earlier answer
}


def calls() -> Iterator[tuple[str, str, ast.Call]]:
    """Every call that makes an error: where, of what, and the call."""
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = (
                    node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                )
                if name in ("GatewayError", "ValueRefused", "unavailable", "forbidden"):
                    yield path.relative_to(SOURCE).as_posix(), name, node


def literal(call: ast.Call, at: int) -> object:
    argument = call.args[at] if len(call.args) > at else None
    return argument.value if isinstance(argument, ast.Constant) else None


def used() -> Iterator[tuple[str, str, object]]:
    """Where, code and status (None where the call has none)."""
    for where, name, call in calls():
        code = literal(call, 0)
        if code is None:
            continue
        if name == "unavailable":
            yield where, f"{code}_unavailable", 503
        elif name == "forbidden":
            yield where, str(code), 403
        else:
            yield where, str(code), literal(call, 1) if name == "GatewayError" else None
    problems = (SOURCE / "problems.py").read_text(encoding="utf-8")
    for status, code in re.findall(r"(\d{3}): \(\"(\w+)\"", problems):
        yield "problems.py", code, int(status)
    yield "problems.py", "http_error", None


def test_every_code_of_the_source_stands_in_the_table_with_its_status() -> None:
    found = list(used())
    assert len(found) > 50
    assert {code for _, code, _ in found} - CODES.keys() == set(), "add them to documentation/codes.py"
    wrong = [one for one in found if one[2] is not None and CODES[one[1]].status != one[2]]
    assert wrong == []


def test_every_code_of_the_table_is_used() -> None:
    assert CODES.keys() - {code for _, code, _ in used()} - set(forbidding_policies()) == set()


def test_a_code_that_is_not_a_literal_is_made_in_known_places_only() -> None:
    assert {where for where, _, call in calls() if literal(call, 0) is None} <= NOT_LITERAL


def forbidding_policies() -> list[str]:
    """A policy that forbids gives its id as the code of the refusal."""
    statements = read_policies(default_policies() / "access").statements
    return [id_ for id_, policy in statements.items() if policy["effect"] == "forbid"]


def test_ids_of_forbidding_policies_stand_in_the_table() -> None:
    ids = forbidding_policies()
    assert "not_out_for_delivery" in ids
    assert all(CODES[id_].status == 403 for id_ in ids)


def test_an_unknown_code_cannot_be_documented() -> None:
    with pytest.raises(LookupError, match="no_such_code"):
        by_status(["not_found", "no_such_code"])
