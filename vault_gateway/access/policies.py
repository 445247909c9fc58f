"""Cedar policies, parsed and validated: each file of a folder, or none of it used."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import cedarpy
import orjson
from cedarpy import pst

from vault_gateway.errors import PolicyFileError

SCHEMA_FILE = "schema.cedarschema"
# Cedar goes into an expression as deep as it is nested, and where its stack ends the process does (at some 1,000
# brackets); each of these may nest once more. Texts and comments are skipped.
_MOST_PARTS = 400
_PARTS = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n]*|(?P<end>;)|(?P<part>[(\[{<!+*.-]|&&|\|\||\bif\b)')


class PolicyError(PolicyFileError):
    """The policy set cannot be used; the message says which file, policy or case and why."""


@dataclass(frozen=True)
class Policies:
    """A parsed, validated policy set. Parsing once makes a decision some twenty times cheaper."""

    text: str
    schema_text: str
    policy_set: cedarpy.PolicySet
    schema: cedarpy.Schema

    @cached_property
    def digest(self) -> str:
        """Tells in a log which set is in use."""
        return hashlib.sha256(f"{self.schema_text}\0{self.text}".encode()).hexdigest()[:16]

    @cached_property
    def statements(self) -> Mapping[str, dict[str, Any]]:
        """Each policy in Cedar's JSON form (effect, scope, conditions, annotations), by its id."""
        return statements_of(self.text)

    def that_can_meet(self, principal_type: str, resource_type: str) -> cedarpy.PolicySet:
        """The set without those whose first line names another type of principal or resource, which decide nothing
        here. Cedar looks at every policy it is given, so that this is most of what a decision costs."""
        if self._nodes is None:
            return self.policy_set
        types = (principal_type, resource_type)
        found = self._of_types.get(types)
        if found is None:
            found = self._of_types[types] = _narrowed(self._nodes, *types)
        return found

    @cached_property
    def _nodes(self) -> pst.PolicySet | None:
        """None where a policy is nested deeper than cedarpy takes apart (100 levels): nothing is left out then."""
        try:
            return self.policy_set.to_pst()
        except ValueError:
            return None

    @cached_property
    def _of_types(self) -> dict[tuple[str, str], cedarpy.PolicySet]:
        return {}


def _narrowed(nodes: pst.PolicySet, principal_type: str, resource_type: str) -> cedarpy.PolicySet:
    kept = {
        name: one
        for name, one in nodes.static_policies.items()
        if _can_be(one.principal, principal_type) and _can_be(one.resource, resource_type)
    }
    return cedarpy.PolicySet.from_pst(replace(nodes, static_policies=kept))


def _can_be(constraint: object, type_: str) -> bool:
    """False only for `is` of another type: whatever else a first line says is left to Cedar."""
    if not isinstance(constraint, pst.ScopeIs):
        return True
    named = constraint.entity_type
    return bool(named.namespace) or named.basename == type_


def parse_policies(files: Mapping[str, str], schema_text: str) -> Policies:
    """`files` are Cedar texts by their file's name. An empty set is a valid one: it permits nothing."""
    for name, text in {SCHEMA_FILE: schema_text, **files}.items():
        _require_small_parts(name, text)
    try:
        schema = cedarpy.Schema.from_str(schema_text)
    except ValueError as error:
        raise PolicyError(f"{SCHEMA_FILE} cannot be parsed: {error}") from None
    for name, text in files.items():
        _require_valid(name, text, schema)
    _require_ids(files)
    text = "\n".join(files.values())
    return Policies(text, schema_text, cedarpy.PolicySet.from_str(text), schema)


def read_policies(folder: Path) -> Policies:
    """Every `*.cedar` file of `folder`, validated against its `schema.cedarschema`."""
    try:
        schema_text = (folder / SCHEMA_FILE).read_text(encoding="utf-8")
        files = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.cedar"))}
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"policies cannot be read: {error}") from None
    if not files:
        raise PolicyError(f"there is no policy in {folder}")
    try:
        return parse_policies(files, schema_text)
    except PolicyError as error:
        raise PolicyError(f"{folder}: {error}") from None


def statements_of(text: str) -> dict[str, dict[str, Any]]:
    policies = orjson.loads(cedarpy.policies_to_json_str(text))["staticPolicies"]
    return {policy["annotations"]["id"]: policy for policy in policies.values()}


def _require_small_parts(name: str, text: str) -> None:
    """Each policy or declaration by itself, before Cedar reads any."""
    parts = 0
    for found in _PARTS.finditer(text):
        if found["end"]:
            parts = 0
        elif found["part"]:
            parts += 1
            if parts > _MOST_PARTS:
                line = text.count("\n", 0, found.start()) + 1
                raise PolicyError(
                    f"{name}, line {line}: more than {_MOST_PARTS} brackets and operators in one policy; write sets,"
                    " or several policies"
                )


def _require_valid(name: str, text: str, schema: cedarpy.Schema) -> None:
    try:
        cedarpy.PolicySet.from_str(text)
    except ValueError as error:
        raise PolicyError(f"{name} cannot be parsed: {error}") from None
    result = cedarpy.validate_policies(text, schema)
    if not result.validation_passed:
        names = result.id_annotations_by_policy_id
        faults = "; ".join(f"{names.get(e.policy_id, e.policy_id)}: {e.error}" for e in result.errors)
        raise PolicyError(f"{name} does not fit the schema: {faults}")


def _require_ids(files: Mapping[str, str]) -> None:
    """The audit log names policies by their ids, so that each has one of its own. Templates are refused: they
    decide nothing until something links them, which nothing here does."""
    ids: Counter[str] = Counter()
    for name, text in files.items():
        parsed = orjson.loads(cedarpy.policies_to_json_str(text))
        if parsed["templates"]:
            raise PolicyError(f"{name} holds a template: write policies")
        for policy in parsed["staticPolicies"].values():
            policy_id = policy.get("annotations", {}).get("id")
            if not policy_id:
                raise PolicyError(f'{name}: a {policy["effect"]} has no @id("...")')
            ids[policy_id] += 1
            if ids[policy_id] > 1:
                raise PolicyError(f"{name}: there are two policies {policy_id!r}")
