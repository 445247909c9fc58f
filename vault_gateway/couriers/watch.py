"""Watches couriers: how much each reveals in a day, and the alarm that suspends one who seems to scrape.

What is counted with a reveal is undone with it. A denial is counted after the rollback, in the transaction that writes
it, and so is a suspension: nobody tries his way around it.
"""

from __future__ import annotations

from datetime import timedelta

from vault_gateway import metrics
from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Refused, Unit, refused
from vault_gateway.couriers import store
from vault_gateway.database import Connection
from vault_gateway.errors import GatewayError
from vault_gateway.inforce import InForce
from vault_gateway.model import CARRIER_PLATFORM, Clock, Role, Tenant
from vault_gateway.quotas import Quotas

# A release whose transaction read the clock before a grant expired is over by then: PostgreSQL ends an idle
# transaction after 15 s and a statement after 5 s.
SETTLED_AFTER = timedelta(seconds=60)

_MANY_RECIPIENTS, _MANY_DENIALS = "many_recipients", "many_denials"
# Told once to an app that tries again; a caller that probes meets the others.
_PROBING = (403, 404)


class CourierWatch:
    def __init__(self, quotas: InForce[Quotas], clock: Clock) -> None:
        self._quotas = quotas
        self._clock = clock

    def count_reveal(self, unit: Unit, event: Event, *, new_recipient: bool) -> None:
        """Counts a reveal of the calling courier, whose grant is stored by now: 429 `courier_quota` after a day's, 403
        `courier_suspended` where the alarm rings. From here on the courier's other reveals wait for this one."""
        principal, quotas, now = unit.caller.principal, self._quotas(), self._clock()
        carrier, handle = principal.carrier, principal.handle
        assert carrier is not None
        assert handle is not None
        day = quotas.day_of(now)
        counted = store.count_reveal(unit.conn, carrier, handle, day, new_recipient=new_recipient)
        if counted.suspended:
            raise refused(event, suspended(), reason="courier_suspended", policies=tuple(event.policies))
        if counted.reveals > quotas.courier_a_day:
            begins, settled = quotas.begin_of(day, now), now - SETTLED_AFTER
            exact = store.recount_reveals(unit.conn, carrier, handle, day, begins, settled)
            if exact > quotas.courier_a_day:
                metrics.QUOTA_REFUSALS.labels("courier").inc()
                answer = GatewayError(
                    "courier_quota",
                    429,
                    "You revealed as much today as a courier may.",
                    retry_after=quotas.seconds_left(now),
                )
                raise refused(event, answer, reason="courier_quota", policies=tuple(event.policies))
        if counted.recipients > quotas.recipients.floor:
            earlier = store.earlier_days(unit.conn, carrier, handle, day, quotas.usual_of_days)
            if quotas.recipients.rings(counted.recipients, [row["recipients"] for row in earlier]):
                raise refused(event, suspended(), reason=_MANY_RECIPIENTS, policies=tuple(event.policies))

    def denied(self, unit: Unit, refusal: Refused) -> None:
        """Counts a courier's denial, and suspends it where this one, or the reveal that was denied, rings the alarm."""
        principal = unit.caller.principal
        if principal.role is not Role.COURIER or principal.carrier is None or principal.handle is None:
            return
        if refusal.event.reason == _MANY_RECIPIENTS:
            self._suspend(unit, principal.carrier, principal.handle, _MANY_RECIPIENTS)
        elif refusal.answer.status in _PROBING:
            quotas, day = self._quotas(), self._quotas().day_of(self._clock())
            counted = store.count_denial(unit.conn, principal.carrier, principal.handle, day)
            if counted.suspended or counted.denials <= quotas.denials.floor:
                return
            earlier = store.earlier_days(
                unit.conn, principal.carrier, principal.handle, day, quotas.usual_of_days
            )
            if quotas.denials.rings(counted.denials, [row["denials"] for row in earlier]):
                self._suspend(unit, principal.carrier, principal.handle, _MANY_DENIALS)

    def forget(self, conn: Connection) -> None:
        """Days that no usual day is made of any more."""
        quotas = self._quotas()
        # Days without work are not counted as usual ones, so that twice as many are kept.
        store.forget_days(conn, quotas.day_of(self._clock()) - timedelta(days=2 * quotas.usual_of_days + 1))

    def _suspend(self, unit: Unit, carrier: str, handle: str, reason: str) -> None:
        if not store.suspend(unit.conn, carrier, handle, reason, self._clock()):
            return
        # Filed with what the carrier does to its couriers, not with the merchant whose parcel it happened at.
        unit.enter(Tenant(CARRIER_PLATFORM, carrier))
        unit.record(
            Event(
                "courier.suspend",
                reason=reason,
                resource=f"courier:{handle}",
                carrier=carrier,
                by_gateway=True,
            )
        )
        metrics.COURIERS_SUSPENDED.labels(reason).inc()


def suspended() -> GatewayError:
    return GatewayError("courier_suspended", 403, "You are suspended. Your carrier can lift that.")
