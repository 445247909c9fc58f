"""How commands print what they list: times in UTC, JSON as the API writes it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from vault_gateway.model import rfc3339


def json_text(value: Any) -> str:
    """Times are RFC 3339 in UTC."""
    return json.dumps(value, default=_plain, ensure_ascii=False)


def minute(at: datetime) -> str:
    """A time for a line that a person reads."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%MZ")


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"a {type(value).__name__} is not printed as JSON")
