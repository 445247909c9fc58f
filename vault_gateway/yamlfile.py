"""Reading a YAML file that a person wrote, such as those of the policy folder."""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path
from typing import Any, ClassVar

import yaml
from marshmallow import Schema, ValidationError

from vault_gateway.errors import PolicyFileError

# libyaml's, where the package came with it: a tenth of the time, and what is nested beyond reason is refused.
_Safe: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BOOL = "tag:yaml.org,2002:bool"


class YamlFault(Exception):
    """The file is not there or no YAML; the message says why, in one line."""


class _Loader(_Safe):  # type: ignore[misc]  # chosen at run time
    """YAML 1.2 as far as it matters here: `on` is a word and not `true`, and a name that is given twice is refused
    rather than the first one lost."""

    yaml_implicit_resolvers: ClassVar[Any] = {
        first: [(tag, regexp) for tag, regexp in resolvers if tag != _BOOL]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        if len(mapping) != len(node.value):
            raise yaml.constructor.ConstructorError(None, None, "a name is given twice", node.start_mark)
        return mapping

    def construct_int(self, node: Any) -> int:
        number: int = self.construct_yaml_int(node)
        if not -(2**63) <= number < 2**63:
            raise yaml.constructor.ConstructorError(
                None, None, "a number has 64 bits at most", node.start_mark
            )
        return number

    def construct_day(self, node: Any) -> date:
        day: date = self.construct_yaml_timestamp(node)
        if isinstance(day, datetime):
            raise yaml.constructor.ConstructorError(None, None, "a day has no time", node.start_mark)
        return day


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_int)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _Loader.construct_day)
# Neither JSON nor any of the policy files knows bytes, sets or pairs.
for _kind in ("binary", "set", "omap", "pairs"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_kind}", _Loader.construct_undefined)
_Loader.add_implicit_resolver(_BOOL, re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))


def read_yaml(path: Path) -> Any:
    """Plain values and nothing else."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a safe one
    except OSError as error:
        raise YamlFault(f"cannot be read ({error.strerror})") from None
    # ValueError: bytes that are no text, or a day that no calendar has, such as 2026-02-30.
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        why = " ".join(str(error).split())
        raise YamlFault(f"cannot be read ({type(error).__name__}: {why})") from None


def read_policy_file(path: Path, schema: Schema, refused: type[PolicyFileError]) -> Any:
    """What the file says, by its schema; `refused` with the file and the reason where it cannot be used."""
    try:
        return schema.load(read_yaml(path))
    except (YamlFault, ValidationError) as error:
        raise refused(f"{path}: {error}") from None
