"""The policies that ship, read once for all tests of them, and what their schema says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from vault_gateway.access.cases import CASES_FILE, Case, read_cases
from vault_gateway.access.policies import Policies, read_policies
from vault_gateway.settings.policies import default_policies

FOLDER = default_policies() / "access"

_ACTION = re.compile(
    r'action "([^"]+)" appliesTo \{\s*principal: (\[[^\]]*\]|\w+),\s*resource: (\[[^\]]*\]|\w+)', re.DOTALL
)


_ENTITY = re.compile(r"entity (\w+)(?: = \{([^}]*)\})?;")
_ATTRIBUTE = re.compile(r"(\w+)(\?)?: (\w+)")


@dataclass(frozen=True)
class Attribute:
    kind: str
    optional: bool


@dataclass(frozen=True)
class Action:
    principals: frozenset[str]
    resources: frozenset[str]


@cache
def policies() -> Policies:
    return read_policies(FOLDER)


@cache
def cases() -> tuple[Case, ...]:
    return tuple(read_cases(FOLDER / CASES_FILE))


@cache
def actions() -> Mapping[str, Action]:
    """Each action with the types it applies to, out of the schema as Cedar writes it back."""
    text = str(policies().schema)
    found = {
        name: Action(_names(principals), _names(resources))
        for name, principals, resources in _ACTION.findall(text)
    }
    assert len(found) == text.count("action "), "the schema is not written as it is read here"
    return found


@cache
def attributes() -> Mapping[str, Mapping[str, Attribute]]:
    """Each entity type with its attributes."""
    return {
        type_: {
            name: Attribute(kind, optional=bool(mark)) for name, mark, kind in _ATTRIBUTE.findall(body or "")
        }
        for type_, body in _ENTITY.findall(str(policies().schema))
    }


def _names(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text))
