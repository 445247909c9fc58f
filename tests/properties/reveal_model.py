"""What architecture.md ("Reveal: the state machine") and contract.md say of grants and of who may use them; shares no
code with the service."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.world import Actor

FIELDS_OF = {"deliver": {"name", "address"}, "contact": {"phone"}}
PER_PARCEL = 12
# A revocation and a suspension hold everywhere within this time; before it is over either answer will do.
HOLDS_WITHIN = timedelta(seconds=5)


@dataclass
class Grant:
    """What architecture.md says of one grant."""

    reveal: str
    holder: int
    purpose: str
    expires: datetime
    key: str | None
    claimed: bool = False
    releases: int = 0
    first_release: datetime | None = None
    codes: list[str] = field(default_factory=list)
    ended: str | None = None

    @property
    def sealed(self) -> bool:
        return self.key not in (None, "none")

    @property
    def opens_until(self) -> datetime:
        if self.sealed and self.first_release is not None:
            return self.first_release + timedelta(seconds=120)
        return self.expires

    def can_open(self, now: datetime) -> bool:
        return self.ended is None and now < self.opens_until and self.releases < (4 if self.sealed else 1)

    def opens_for(self, key: str, now: datetime) -> bool:
        return self.can_open(now) and self.key in (None, key)

    def state(self, now: datetime) -> str:
        if self.ended is not None:
            return self.ended
        if now >= max(self.expires, self.opens_until):
            return "unconfirmed" if self.releases else "expired"
        return "claimed" if self.claimed else "issued"

    def counts(self, now: datetime) -> bool:
        """The count is given back for what was certainly not disclosed."""
        return self.releases > 0 or self.state(now) in ("issued", "claimed")


@dataclass
class Standing:
    """A courier, and what became of it. One whose key was revoked or whose handle was removed is nobody any more."""

    actor: Actor
    ended: datetime | None = None
    removed: bool = False
    suspended: bool = False
    changed: datetime | None = None

    def is_nobody(self, now: datetime) -> bool:
        return self.ended is not None and now >= self.ended + HOLDS_WITHIN

    def may_be_nobody(self) -> bool:
        return self.ended is not None

    def is_suspended(self, now: datetime) -> bool:
        return self.suspended and self._settled(now)

    def may_be_suspended(self, now: datetime) -> bool:
        return self.suspended or not self._settled(now)

    def _settled(self, now: datetime) -> bool:
        return self.changed is None or now >= self.changed + HOLDS_WITHIN
