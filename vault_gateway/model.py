"""Frozen domain types that every room may know."""

from __future__ import annotations

import hashlib
import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")

# Couriers' phones belong to no platform. They are filed under this reserved platform, one "merchant" a carrier.
CARRIER_PLATFORM = "carrier"


class Kind(StrEnum):
    PHONE = "phone"
    ADDRESS = "address"
    NAME = "name"


class Origin(StrEnum):
    """Who submitted a value. Blind indexes of the two never meet: guarantee 1."""

    PLATFORM = "platform"
    MERCHANT = "merchant"


class Role(StrEnum):
    PLATFORM = "platform"
    MERCHANT = "merchant"
    CARRIER = "carrier"
    STATION = "station"
    COURIER = "courier"
    TELECOM = "telecom"
    AUDITOR = "auditor"
    RESPONDER = "responder"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Tenant:
    """A merchant of a platform: the owner of tokens and waybills. `id` is the first 16 bytes of
    SHA-256(platform, 0x00, merchant)."""

    platform: str
    merchant: str
    id: UUID = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        digest = hashlib.sha256(self.platform.encode() + b"\0" + self.merchant.encode()).digest()
        object.__setattr__(self, "id", UUID(bytes=digest[:16]))


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls. `id` is `key:NAME` or `jwt:ISSUER_ID:sub`; `handle` is a courier's name in its carrier; `issuer` and
    `jti` are those of a JWT; `suspended` says that a courier may reveal nothing until that is lifted."""

    id: str
    role: Role
    platform: str | None = None
    merchant: str | None = None
    carrier: str | None = None
    station: str | None = None
    handle: str | None = None
    issuer: str | None = None
    jti: str | None = None
    suspended: bool = False

    @property
    def holder(self) -> str | None:
        """How a reveal grant names this caller within its carrier: a courier's handle or `station/NAME`."""
        if self.role is Role.COURIER:
            return self.handle
        return None if self.role is not Role.STATION or self.station is None else f"station/{self.station}"


@dataclass(frozen=True, slots=True)
class Caller:
    """A principal in one request: what an audit event says of who, from where and in which request. `judged` is when
    it was asked who that is, on the monotonic clock: what discloses must not go by an old answer."""

    principal: Principal
    request_id: str
    ip: str | None
    judged: float = field(default_factory=time.monotonic, compare=False)


class Clock(Protocol):
    """The time now, with its zone; injected so that tests can turn it."""

    def __call__(self) -> datetime: ...


def seconds_left_of_day(now: datetime) -> int:
    """Of the day in UTC, at least 1."""
    return 86_400 - (now.hour * 3600 + now.minute * 60 + now.second)


def rfc3339(at: datetime) -> str:
    """A time as every answer writes it: in UTC, with `Z`. One that UTC has no year for stays in its own zone."""
    try:
        return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    except OverflowError:
        return at.isoformat()


def utc_now() -> datetime:
    return datetime.now(UTC)
