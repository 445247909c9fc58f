"""JSON with one meaning only: where two readers could understand two things, nothing is read."""

from __future__ import annotations

import json
from typing import Any, NoReturn

# No token and no key set of a provider is half as deep. How deep Python itself reads differs by version.
MAX_DEPTH = 16


def load_object(raw: bytes) -> dict[str, Any]:
    """A JSON object in UTF-8. ValueError for anything else: a name given twice at any depth, NaN and the like,
    a byte order mark, nesting beyond MAX_DEPTH."""
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_once_each, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("not an object")
    _require_shallow(value)
    return value


def _require_shallow(value: dict[str, Any]) -> None:
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        children = [child for node in level for child in (node.values() if isinstance(node, dict) else node)]
        level = [child for child in children if isinstance(child, dict | list)]
        if not level:
            return
    raise ValueError("nested too deeply")


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name is given twice")
    return made


def _no_constant(_: str) -> NoReturn:
    raise ValueError("not a JSON number")
