"""What goes in and what comes back, typed. Fields that a later gateway adds are passed over.

`repr` shows masks, tokens and states; a person's values never.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Kind = Literal["phone", "address", "name"]


@dataclass(frozen=True, slots=True)
class Value:
    """A value to tokenise. `ref` comes back with its token; `region` (ISO 3166) is a national phone's country."""

    kind: Kind
    value: str | Mapping[str, str] = field(repr=False)
    ref: str | None = None
    region: str | None = None

    @classmethod
    def phone(cls, number: str, *, ref: str | None = None, region: str | None = None) -> Value:
        return cls("phone", number, ref, region)

    @classmethod
    def name(cls, name: str, *, ref: str | None = None) -> Value:
        return cls("name", name, ref)

    @classmethod
    def address(cls, address: str | Mapping[str, str], *, ref: str | None = None) -> Value:
        """Parts as `{province, city, district, township?, detail, postcode?, country?}`, or one line of text."""
        return cls("address", {"text": address} if isinstance(address, str) else address, ref)

    def to_json(self) -> dict[str, Any]:
        body: dict[str, Any] = {"kind": self.kind, "value": self.value}
        if self.ref is not None:
            body["ref"] = self.ref
        if self.region is not None:
            body["region"] = self.region
        return body


@dataclass(frozen=True, slots=True)
class ItemError:
    """Why one item of a batch was refused."""

    code: str
    detail: str
    ref: str | None = None
    waybill_no: str | None = None


@dataclass(frozen=True, slots=True)
class Tokenized:
    token: str
    kind: str
    masked: str
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """A token's masked view."""

    token: str
    kind: str
    masked: str
    origin: str
    created_at: datetime
    order: str | None = None
    region: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person in tokens."""

    name: str
    phone: str
    address: str

    def to_json(self) -> dict[str, str]:
        return {"name": self.name, "phone": self.phone, "address": self.address}


@dataclass(frozen=True, slots=True)
class Groups:
    """Positions of recipients that are the same; `missing` are those with a token that is not there."""

    groups: Sequence[Sequence[int]]
    missing: Sequence[int]


@dataclass(frozen=True, slots=True)
class Masked:
    name: str
    phone: str
    address: str


@dataclass(frozen=True, slots=True)
class RelayNumber:
    """What a caller dials instead of the recipient's phone."""

    number: str
    expires_at: datetime
    extension: str | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A granted range of waybill numbers, from `first` to `last`, and what became of them. `low`: few are left."""

    network: str
    carrier: str
    branch: str
    first: str
    last: str
    available: int
    issued: int
    cancelled: int
    recycled: int
    low: bool
    granted_at: datetime


@dataclass(frozen=True, slots=True)
class Waybill:
    """`relay` is the number that lives, or why there is none though one was asked for. `orders` are all orders in the
    parcel, `order` the first; `merged`, in the answer to a batch, the places of the orders that share it."""

    waybill_no: str
    network: str
    carrier: str
    state: str
    recipient: Masked
    created_at: datetime
    updated_at: datetime
    label: Mapping[str, str]
    sender: Masked | None = None
    order: str | None = None
    receipt: str | None = None
    courier: str | None = None
    station: str | None = None
    deliver_by: datetime | None = None
    routing_code: str | None = None
    relay: RelayNumber | ItemError | None = None
    orders: Sequence[str] = ()
    merged: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Courier:
    """`phone` is a mask. One that the scraping alarm suspended: since when, and what rang it."""

    handle: str
    station: str | None = None
    phone: str | None = None
    suspended_at: datetime | None = None
    suspended_for: str | None = None


@dataclass(frozen=True, slots=True)
class Reveal:
    """A grant and its state; it holds no value. `token` instead of `waybill_no`: a break-glass of a token alone."""

    reveal_id: str
    waybill_no: str | None
    purpose: str
    fields: Sequence[str]
    state: str
    released: int
    issued_at: datetime
    expires_at: datetime
    token: str | None = None


@dataclass(frozen=True, slots=True)
class BreakGlassApproval:
    approved_by: str
    reason: str
    approved_at: datetime


@dataclass(frozen=True, slots=True)
class BreakGlassReveal:
    """The grant of an approved break-glass, and how far it came."""

    reveal_id: str
    fields: Sequence[str]
    state: str
    released: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """What a responder asked for: of a parcel's recipient or of one token."""

    break_glass_id: str
    state: str
    requested_by: str
    reason: str
    requested_at: datetime
    expires_at: datetime
    waybill_no: str | None = None
    token: str | None = None
    approval: BreakGlassApproval | None = None
    reveal: BreakGlassReveal | None = None


@dataclass(frozen=True, slots=True)
class Revealed:
    """An opened reveal. `fields` holds plain values: show them, do not store them.

    `acknowledged` False: the gateway does not know yet that the values arrived; `reveals.acknowledge` says so.
    """

    reveal_id: str
    fields: Mapping[str, Any] = field(repr=False)
    ack_code: str = field(repr=False)
    acknowledged: bool = False


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Who did what, when, and why it was allowed or not."""

    id: str
    time: datetime
    actor: str
    role: str
    action: str
    outcome: str
    policies: Sequence[str]
    request_id: str
    reason: str | None = None
    resource: str | None = None
    platform: str | None = None
    merchant: str | None = None
    waybill: str | None = None
    order: str | None = None
    token: str | None = None
    tokens: Sequence[str] = ()
    orders: Sequence[str] = ()
    carrier: str | None = None
    station: str | None = None
    purpose: str | None = None
    fields: Sequence[str] = ()
    detail: Mapping[str, Any] = field(default_factory=dict)
    ip: str | None = None
