"""A merchant's service number: the one side of its pairs, registered by an operator and kept like any phone."""

from __future__ import annotations

from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Ledger
from vault_gateway.errors import GatewayError
from vault_gateway.identity import store as identity_store
from vault_gateway.model import Caller, Clock, Kind, Origin, Tenant
from vault_gateway.relay.service import RelayService
from vault_gateway.relay.store import parties
from vault_gateway.relay.store.bindings import Phone
from vault_gateway.tokens import store as token_store
from vault_gateway.tokens.normalise import Normaliser
from vault_gateway.tokens.service import TokenService
from vault_gateway.tokens.text import ValueRefused


class ServiceNumbers:
    def __init__(
        self,
        ledger: Ledger,
        tokens: TokenService,
        normaliser: Normaliser,
        relay: RelayService,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._tokens = tokens
        self._normaliser = normaliser
        self._relay = relay
        self._clock = clock

    def register(self, caller: Caller, tenant: Tenant, number: str) -> str:
        """Seals the number and stores it; the one before is erased, and its pairs are released. Returns the mask. The
        platform has to be registered, for its keys seal it."""
        try:
            value = self._normaliser.own_phone(number)
        except ValueRefused as refusal:
            raise GatewayError(refusal.code, 422, refusal.detail) from None
        now = self._clock()
        new = self._tokens.seal(tenant, Origin.MERCHANT, [(Kind.PHONE, value)])
        with self._ledger.open(caller, tenant) as unit:
            identity_store.ensure_tenant(unit.conn, tenant, now)
            old = parties.replace_service_number(unit.conn, tenant.id, new.ids[0], now)
            if old is not None:
                token_store.erase(unit.conn, tenant.id, old, now)
                self._relay.release_of_phone(unit, Phone(tenant.id, old))
            token_store.insert_tokens(
                unit.conn,
                tenant.id,
                new,
                origin=Origin.MERCHANT,
                order_ref=None,
                event_id=unit.record(Event("relay.service_number")),
                now=now,
            )
        return value.masked
