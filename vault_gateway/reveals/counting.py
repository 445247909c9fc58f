"""The quotas of a day: how much one courier may reveal, and how much of one merchant for a purpose.

Counted last of all that issuing does, for whoever counts there too waits until this transaction is over. A courier
waits for itself alone. A merchant's quota is cut into slots, each reveal takes from one that nobody holds.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from vault_gateway import metrics
from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Unit, refused
from vault_gateway.couriers.watch import SETTLED_AFTER, CourierWatch
from vault_gateway.errors import GatewayError
from vault_gateway.inforce import InForce
from vault_gateway.model import Clock, Role
from vault_gateway.quotas import Quotas
from vault_gateway.reveals import store
from vault_gateway.reveals.machine import Grant
from vault_gateway.reveals.slots import (
    Slots,
    fill_slots,
    forget_slots,
    lock_slots,
    take_free_slot,
    take_new_slot,
)

SLOTS = 16
# A merchant's day can hold very many grants: they are not counted anew for each that is refused.
RECOUNT_EVERY_S = 30.0
_REMEMBER_AT_MOST = 10_000


class RevealCounts:
    def __init__(self, quotas: InForce[Quotas], watch: CourierWatch, clock: Clock) -> None:
        self._quotas = quotas
        self._watch = watch
        self._clock = clock
        self._found_full: dict[tuple[UUID, str, date], float] = {}

    def count(
        self, unit: Unit, tenant_id: UUID, grant: Grant, earlier: Sequence[Grant], event: Event
    ) -> None:
        """Counts `grant`, which is stored by now; `earlier` are all that name its parcel or one of its tokens.
        429 `courier_quota` or `merchant_quota` once a day's is used up."""
        quotas = self._quotas()
        if unit.caller.principal.role is Role.COURIER:
            now = self._clock()
            begins = quotas.begin_of(quotas.day_of(now), now)
            known = any(_same_holder(grant, other) and other.issued_at >= begins for other in earlier)
            self._watch.count_reveal(unit, event, new_recipient=not known)
        if not self._take(unit, tenant_id, grant.purpose, quotas.merchant_a_day[grant.purpose]):
            metrics.QUOTA_REFUSALS.labels("merchant").inc()
            answer = GatewayError(
                "merchant_quota",
                429,
                "As much as may be was revealed of this merchant's recipients today.",
                retry_after=quotas.seconds_left(self._clock()),
            )
            raise refused(event, answer, reason="merchant_quota", policies=tuple(event.policies))

    def _take(self, unit: Unit, tenant_id: UUID, purpose: str, quota: int) -> bool:
        quotas, now = self._quotas(), self._clock()
        day = quotas.day_of(now)
        slots = Slots(tenant_id, purpose, day, quota, min(SLOTS, quota))
        if take_free_slot(unit.conn, slots):
            return True
        if take_new_slot(unit.conn, slots):
            # Yesterday may still be today by the clock of another node.
            forget_slots(unit.conn, slots, day - timedelta(days=1))
            return True
        used = lock_slots(unit.conn, slots)
        if take_free_slot(unit.conn, slots):
            return True
        key = (tenant_id, purpose, day)
        if time.monotonic() - self._found_full.get(key, -RECOUNT_EVERY_S) < RECOUNT_EVERY_S:
            return False
        begins, settled = quotas.begin_of(day, now), now - SETTLED_AFTER
        exact = store.reveals_of_merchant(unit.conn, tenant_id, purpose, begins, settled)
        if exact > quota:
            if len(self._found_full) >= _REMEMBER_AT_MOST:
                self._found_full.clear()
            self._found_full[key] = time.monotonic()
            return False
        fill_slots(unit.conn, slots, used, exact)
        return True


def _same_holder(grant: Grant, other: Grant) -> bool:
    return (grant.holder, grant.carrier) == (other.holder, other.carrier)
