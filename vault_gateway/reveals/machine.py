"""The life of a reveal grant, as functions of a grant and the time. No I/O: tests walk it by themselves.

    issued --claim--> claimed --release--> claimed (released = 1 ...) --ack--> delivered
       \\--expiry--> expired      \\--expiry, nothing released--> expired
        \\--revoke--> revoked      \\--expiry, something released--> unconfirmed --late ack--> delivered

`expired` means certainly undisclosed, `unconfirmed` that it may be disclosed. Both follow from time alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

# A sealed answer can be fetched again by the same key for so long after the first, and so often in all.
REDELIVERY = timedelta(seconds=120)
SEALED_LIMIT = 4
UNSEALED_LIMIT = 1
# The purpose of a grant that two responders agreed on. No purpose of `purposes.yaml` is called so.
BREAK_GLASS = "break_glass"


class State(StrEnum):
    ISSUED = "issued"
    CLAIMED = "claimed"
    DELIVERED = "delivered"
    REVOKED = "revoked"
    EXPIRED = "expired"
    UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True, slots=True)
class Grant:
    """One that opens a token alone (break-glass only) belongs to no waybill. `issuer`: whose responders agreed on one
    of break-glass."""

    id: UUID
    waybill_id: UUID | None
    waybill_no: str | None
    orders: tuple[str, ...]
    carrier: str | None
    holder: str
    principal: str
    purpose: str
    fields: tuple[str, ...]
    tokens: tuple[UUID, ...]
    state: State
    public_key: bytes | None
    released: int
    ack_digests: tuple[bytes, ...]
    issued_at: datetime
    expires_at: datetime
    claimed_at: datetime | None = None
    first_released_at: datetime | None = None
    issuer: str | None = None

    @property
    def is_break_glass(self) -> bool:
        return self.purpose == BREAK_GLASS

    @property
    def release_limit(self) -> int:
        return UNSEALED_LIMIT if self.public_key is None else SEALED_LIMIT

    @property
    def opens_until(self) -> datetime:
        """The last moment at which this grant may release: its expiry, or the end of redelivery once begun."""
        if self.first_released_at is None or self.public_key is None:
            return self.expires_at
        return self.first_released_at + REDELIVERY

    @property
    def closes_at(self) -> datetime:
        return max(self.expires_at, self.opens_until)


def state_at(grant: Grant, now: datetime) -> State:
    """The state that a reader sees: the stored one, or what time has made of it."""
    if grant.state in (State.DELIVERED, State.REVOKED) or now < grant.closes_at:
        return grant.state
    return State.UNCONFIRMED if grant.released else State.EXPIRED


def may_claim(grant: Grant, public_key: bytes | None, now: datetime) -> bool:
    """First claim, or again by the same key within the limits. A key fixed at issue or at the first claim is
    the only one that will do."""
    if now >= grant.opens_until or grant.released >= grant.release_limit:
        return False
    if grant.state is State.ISSUED:
        return grant.public_key is None or public_key == grant.public_key
    return grant.state is State.CLAIMED and public_key == grant.public_key


def may_release(grant: Grant, now: datetime) -> bool:
    """May values that were decrypted for a claim still go out? Time went on since it began, and others claimed."""
    return grant.state is State.CLAIMED and now < grant.opens_until and grant.released < grant.release_limit


def is_live(grant: Grant, now: datetime) -> bool:
    """Can it still release? At most one such grant for a waybill, purpose and courier."""
    return (
        grant.state in (State.ISSUED, State.CLAIMED)
        and now < grant.opens_until
        and grant.released < grant.release_limit
    )


def counts(grant: Grant, now: datetime) -> bool:
    """Does it count against the life-long limits? Not what was certainly not disclosed."""
    if grant.released:
        return True
    return state_at(grant, now) in (State.ISSUED, State.CLAIMED)


def may_revoke(grant: Grant, now: datetime) -> bool:
    return state_at(grant, now) in (State.ISSUED, State.CLAIMED)


def may_acknowledge(grant: Grant) -> bool:
    """A late acknowledgement still turns `unconfirmed` into known."""
    return grant.released > 0 and grant.state is State.CLAIMED
