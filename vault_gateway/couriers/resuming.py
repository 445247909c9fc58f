"""Lifting a suspension: by the courier's carrier, or an operator who looked into the alarm."""

from __future__ import annotations

from dataclasses import replace

from vault_gateway.access.resources import fleet
from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Ledger, refused
from vault_gateway.couriers import store
from vault_gateway.errors import GatewayError, not_allowed, not_found
from vault_gateway.inforce import InForce
from vault_gateway.model import CARRIER_PLATFORM, SLUG, Caller, Clock, Tenant
from vault_gateway.quotas import Quotas


class Resumption:
    def __init__(self, ledger: Ledger, quotas: InForce[Quotas], clock: Clock) -> None:
        self._ledger = ledger
        self._quotas = quotas
        self._clock = clock

    def resume(self, caller: Caller, handle: str, carrier: str | None) -> None:
        """Of the caller's carrier, or for an operator of the one that is named. Holds everywhere within 5 s, and the
        alarm begins to count anew. 409 `courier_not_suspended` where there is nothing to lift."""
        carrier = carrier or caller.principal.carrier
        if carrier is None:
            raise GatewayError("carrier_required", 422, "An operator names the courier's carrier.")
        known = SLUG.fullmatch(handle) is not None
        event = Event("courier.resume", resource=f"courier:{handle}" if known else None, carrier=carrier)
        policies = self._ledger.require(caller, event, fleet(carrier), not_allowed())
        with self._ledger.open(caller, Tenant(CARRIER_PLATFORM, carrier)) as unit:
            day = self._quotas().day_of(self._clock())
            lifted = store.resume(unit.conn, carrier, handle, day) if known else None
            if lifted is None:
                raise refused(event, not_found(), reason="unknown_courier")
            if not lifted:
                answer = GatewayError("courier_not_suspended", 409, "The courier is not suspended.")
                raise refused(event, answer, reason="not_suspended", policies=policies)
            unit.record(replace(event, policies=policies))
