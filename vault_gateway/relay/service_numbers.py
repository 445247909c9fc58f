"""A merchant's service number: the one side of its pairs, registered by an operator and kept like any phone."""

from __future__ import annotations

from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Ledger
from vault_gateway.identity import store as identity_store
from vault_gateway.model import Caller, Clock, Tenant
from vault_gateway.relay.own_phones import OwnPhones
from vault_gateway.relay.store import parties


class ServiceNumbers:
    def __init__(self, ledger: Ledger, phones: OwnPhones, clock: Clock) -> None:
        self._ledger = ledger
        self._phones = phones
        self._clock = clock

    def register(self, caller: Caller, tenant: Tenant, number: str) -> str:
        """Seals the number and stores it; the one before is erased, and its pairs are released. Returns the mask. The
        platform has to be registered, for its keys seal it."""
        now = self._clock()
        new = self._phones.seal(tenant, number)
        with self._ledger.open(caller, tenant) as unit:
            identity_store.ensure_tenant(unit.conn, tenant, now)
            old = parties.replace_service_number(unit.conn, tenant.id, new.ids[0], now)
            if old is not None:
                self._phones.erase(unit, tenant, old, now)
            self._phones.keep(unit, tenant, new, unit.record(Event("relay.service_number")), now)
        return new.values[0].masked
