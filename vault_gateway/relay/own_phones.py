"""The phone that somebody has for its own, a courier or a merchant with its service number: one end of their pairs."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from vault_gateway.audit.ledger import Unit
from vault_gateway.errors import GatewayError
from vault_gateway.model import Kind, Origin, Tenant
from vault_gateway.relay.service import RelayService
from vault_gateway.relay.store.bindings import Phone
from vault_gateway.tokens import store as token_store
from vault_gateway.tokens.normalise import Normaliser
from vault_gateway.tokens.service import TokenService
from vault_gateway.tokens.text import ValueRefused


class OwnPhones:
    def __init__(self, tokens: TokenService, normaliser: Normaliser, relay: RelayService) -> None:
        self._tokens = tokens
        self._normaliser = normaliser
        self._relay = relay

    def seal(self, tenant: Tenant, phone: object) -> token_store.NewTokens:
        """One token, ready to be kept. 422 for what is no phone, or a virtual one."""
        try:
            value = self._normaliser.own_phone(phone)
        except ValueRefused as refusal:
            raise GatewayError(refusal.code, 422, refusal.detail) from None
        return self._tokens.seal(tenant, Origin.MERCHANT, [(Kind.PHONE, value)])

    def keep(
        self, unit: Unit, tenant: Tenant, new: token_store.NewTokens, event_id: UUID, now: datetime
    ) -> None:
        token_store.insert_tokens(
            unit.conn, tenant.id, new, origin=Origin.MERCHANT, order_ref=None, event_id=event_id, now=now
        )

    def erase(self, unit: Unit, tenant: Tenant, phone: UUID, now: datetime) -> None:
        """With the pairs that it was an end of: a phone that is its owner's no more reaches nobody."""
        token_store.erase(unit.conn, tenant.id, phone, now)
        self._relay.release_of_phone(unit, Phone(tenant.id, phone))
