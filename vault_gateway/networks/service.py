"""What is left of a merchant's numbers, for the merchant and its platform."""

from __future__ import annotations

from vault_gateway.access.resources import tenant_ground
from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Ledger
from vault_gateway.database import Row
from vault_gateway.identity.tenants import denial
from vault_gateway.model import Caller, Tenant
from vault_gateway.networks import store


class SegmentService:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def list(self, caller: Caller, tenant: Tenant) -> list[Row]:
        """The merchant's segments with their balances, in the order of networks and grants."""
        self._ledger.require(caller, Event("segment.list"), tenant_ground(tenant), denial(caller.principal))
        with self._ledger.open(caller, tenant) as unit:
            return store.balances(unit.conn, tenant.id)
