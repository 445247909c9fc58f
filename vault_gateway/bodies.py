"""What a body has to be before a schema looks at it: one JSON object, in UTF-8, that every reader reads alike."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from vault_gateway.errors import GatewayError

# Deeper than any body of the contract by far; orjson alone would allow 1,024.
MAX_DEPTH = 16

# Ends every name in an object, and stands nowhere else but where a text begins with a colon.
_END_OF_NAME = re.compile(rb'"[ \t\r\n]*:')
_SPACED_COLONS = (b" :", b"\t:", b"\r:", b"\n:")
_CONTAINERS = (dict, list)


def json_object(raw: bytes, mimetype: str) -> dict[str, Any]:
    """The object that `raw` is; {} for nothing at all. 415 or 400 `invalid_json` for anything else.

    A name that stands twice is refused (RFC 7493): which of the two counts would depend on who reads, and a
    proxy that checks the one must not let through the other.
    """
    if not raw:
        return {}
    if mimetype != "application/json":
        raise GatewayError("unsupported_media_type", 415, "The body must be application/json.")
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise _invalid("The body is not valid JSON in UTF-8.") from None
    if not isinstance(value, dict):
        raise _invalid("The body must be a JSON object.")
    names = _count_names(value)
    # Where no text has a colon in it, each one ends a name: one byte is counted ten times as fast as two.
    if names != raw.count(b":") and names != _count_ends(raw):
        _require_single_names(raw)
    return value


def _count_names(value: dict[str, Any]) -> int:
    """How many names the objects in it have, all together."""
    names = 0
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        inner: list[Any] = []
        for node in level:
            children = node
            if isinstance(node, dict):
                names += len(node)
                children = node.values()
            for child in children:
                if isinstance(child, _CONTAINERS):
                    inner.append(child)
        if not inner:
            return names
        level = inner
    raise _invalid("The body is nested too deeply.")


def _count_ends(raw: bytes) -> int:
    """How many names end in `raw`, or more: a text may look like one. Most writers set no space before a colon, and
    plain bytes are counted ten times as fast as a pattern."""
    if any(spaced in raw for spaced in _SPACED_COLONS):
        return len(_END_OF_NAME.findall(raw))
    return raw.count(b'":')


def _require_single_names(raw: bytes) -> None:
    """The slow and certain way, for the few bodies in which the counts differ."""
    json.loads(raw, object_pairs_hook=_refuse_repeated)


def _refuse_repeated(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise _invalid("An object has the same name twice.")


def _invalid(detail: str) -> GatewayError:
    return GatewayError("invalid_json", 400, detail)
