"""Reading a folder of Cedar policies: all of it valid, or none of it used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cedarpy


class PolicyError(Exception):
    """The policy set cannot be used; the message says which file or policy and why."""


@dataclass(frozen=True, slots=True)
class Policies:
    """A parsed, validated policy set. Parsing once makes a decision some twenty times cheaper."""

    policy_set: cedarpy.PolicySet
    schema: cedarpy.Schema


def load_policies(folder: Path) -> Policies:
    """Parses and validates every `*.cedar` file of `folder` against its `schema.cedarschema`."""
    try:
        schema_text = (folder / "schema.cedarschema").read_text(encoding="utf-8")
        files = sorted(folder.glob("*.cedar"))
        text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    except OSError as error:
        raise PolicyError(f"policies cannot be read: {error}") from None
    if not files:
        raise PolicyError(f"there is no policy in {folder}")
    try:
        schema = cedarpy.Schema.from_str(schema_text)
        policy_set = cedarpy.PolicySet.from_str(text)
    except ValueError as error:
        raise PolicyError(f"policies in {folder} cannot be parsed: {error}") from None
    result = cedarpy.validate_policies(text, schema_text)
    if not result.validation_passed:
        names = result.id_annotations_by_policy_id
        faults = "; ".join(f"{names.get(e.policy_id, e.policy_id)}: {e.error}" for e in result.errors)
        raise PolicyError(f"policies in {folder} do not fit the schema: {faults}")
    return Policies(policy_set, schema)
