"""What an audit event says, and the salted commitment to it.

The commitment is SHA-256(0x01 || salt || canonical JSON of the body). Hiding (the salt is random) and binding,
it can be published as the leaf of a transparency log (RFC 6962) while the body stays scoped, or is erased.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson

from vault_gateway.model import Caller, Tenant

COMMITMENT_VERSION = b"\x01"
SALT_BYTES = 16
NIL_TENANT = UUID(int=0)
# The log of events that belong to no platform: unknown resources, installation-wide work.
INSTALLATION_LOG = "-"
GATEWAY = "gateway"


@dataclass(frozen=True, slots=True)
class Event:
    """What happened, without the who and where that `Caller` adds. No field ever holds a person's value."""

    action: str
    outcome: str = "allow"
    reason: str | None = None
    policies: Sequence[str] = ()
    resource: str | None = None
    waybill: str | None = None
    # One is told as `order`, several as `orders`; each finds the event.
    orders: Sequence[str] = ()
    token: str | None = None
    # Of an event that concerns several; each finds it.
    tokens: Sequence[str] = ()
    carrier: str | None = None
    station: str | None = None
    purpose: str | None = None
    fields: Sequence[str] = ()
    detail: dict[str, str | int] = field(default_factory=dict)
    # What the gateway does of its own accord, in a caller's request.
    by_gateway: bool = False


_OPTIONAL = ("waybill", "token", "carrier", "station", "purpose")


def event_body(
    event: Event, caller: Caller, tenant: Tenant | None, event_id: str, at: datetime
) -> dict[str, Any]:
    """The body as stored, committed to and shown. `reason`, `resource` and `ip` are always there, null where there is
    none; what else is absent is left out, so that a filter never meets null."""
    body: dict[str, Any] = {
        "id": event_id,
        "time": _time(at),
        "actor": GATEWAY if event.by_gateway else caller.principal.id,
        "role": GATEWAY if event.by_gateway else caller.principal.role.value,
        "action": event.action,
        "outcome": event.outcome,
        "reason": event.reason,
        "policies": list(event.policies),
        "resource": event.resource,
        "request_id": caller.request_id,
        "ip": None if event.by_gateway else caller.ip,
    }
    if (platform := platform_of(caller, tenant)) is not None:
        body["platform"] = platform
    if tenant is not None:
        body["merchant"] = tenant.merchant
    for name in _OPTIONAL:
        if (value := getattr(event, name)) is not None:
            body[name] = value
    if len(event.orders) == 1:
        body["order"] = event.orders[0]
    several = {"orders": event.orders[1:] and event.orders, "tokens": event.tokens, "fields": event.fields}
    body |= {name: list(values) for name, values in several.items() if values}
    if event.detail:
        body["detail"] = event.detail
    return body


def platform_of(caller: Caller, tenant: Tenant | None) -> str | None:
    """Whose log an event is filed in: of the platform it is about, else of the caller's own."""
    return caller.principal.platform if tenant is None else tenant.platform


@lru_cache(maxsize=8)
def _time(at: datetime) -> str:
    """Always of the same length: it is a part of what is committed to. Events of a batch have one time."""
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def new_salt() -> bytes:
    return os.urandom(SALT_BYTES)


def commitment(salt: bytes, body: dict[str, Any]) -> bytes:
    """32 bytes; the same for the same body whatever the order of its keys."""
    return commitment_to(salt, canonical(body))


def canonical(body: dict[str, Any]) -> bytes:
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS)


def commitment_to(salt: bytes, canonical_body: bytes) -> bytes:
    return hashlib.sha256(COMMITMENT_VERSION + salt + canonical_body).digest()
