"""Registering and removing couriers."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from vault_gateway.access.resources import fleet
from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Ledger, Unit, refused
from vault_gateway.errors import GatewayError, not_found
from vault_gateway.identity import store as identity_store
from vault_gateway.ids import new_id
from vault_gateway.model import CARRIER_PLATFORM, Caller, Clock, Kind, Origin, Tenant
from vault_gateway.tokens import store as token_store
from vault_gateway.tokens.normalise import Normaliser, ValueRefused
from vault_gateway.tokens.service import TokenService

_NOT_YOURS = GatewayError("forbidden", 403, "Your role may not do this.")


class CourierService:
    def __init__(self, ledger: Ledger, tokens: TokenService, normaliser: Normaliser, clock: Clock) -> None:
        self._ledger = ledger
        self._tokens = tokens
        self._normaliser = normaliser
        self._clock = clock

    def register(self, caller: Caller, handle: str, station: str | None, phone: object | None) -> str | None:
        """Registers a handle of the caller's carrier, or renews it; returns the phone's mask. The phone is
        tokenised before anything is stored."""
        carrier = caller.principal.carrier or "-"
        event = Event("courier.register", resource=f"courier:{handle}", carrier=carrier, station=station)
        policies = self._ledger.require(caller, event, fleet(carrier), _NOT_YOURS)
        event = replace(event, policies=policies)
        tenant = Tenant(CARRIER_PLATFORM, carrier)
        row = None if phone is None else self._seal_phone(tenant, phone)
        with self._ledger.open(caller, tenant) as unit:
            if station is not None and not identity_store.station_exists(unit.conn, carrier, station):
                raise GatewayError("station_unknown", 422, "The carrier has no such station.")
            now = self._clock()
            event_id = unit.record(event)
            if row is not None:
                token_store.insert_tokens(
                    unit.conn,
                    tenant.id,
                    [row],
                    origin=Origin.MERCHANT,
                    order_ref=None,
                    event_id=event_id,
                    now=now,
                )
            token_id = None if row is None else row.id
            self._erase_replaced(
                unit, tenant, identity_store.courier_phone(unit.conn, carrier, handle), token_id
            )
            identity_store.ensure_courier(unit.conn, carrier, handle, station, token_id, now)
        return None if row is None else row.value.masked

    def remove(self, caller: Caller, handle: str) -> None:
        """The handle is nobody's from now on, and its phone is erased."""
        carrier = caller.principal.carrier or "-"
        event = Event("courier.remove", resource=f"courier:{handle}", carrier=carrier)
        policies = self._ledger.require(caller, event, fleet(carrier), _NOT_YOURS)
        event = replace(event, policies=policies)
        tenant = Tenant(CARRIER_PLATFORM, carrier)
        with self._ledger.open(caller, tenant) as unit:
            row = identity_store.remove_courier(unit.conn, carrier, handle, self._clock())
            if row is None:
                raise refused(event, not_found(), reason="unknown_courier")
            if row["phone_token"] is not None:
                token_store.erase(unit.conn, tenant.id, row["phone_token"], self._clock())
            unit.record(event)

    def _seal_phone(self, tenant: Tenant, phone: object) -> token_store.NewToken:
        try:
            value = self._normaliser.normalise(Kind.PHONE, phone)
        except ValueRefused as refusal:
            raise GatewayError(refusal.code, 422, refusal.detail) from None
        return self._tokens.seal(tenant, Origin.MERCHANT, [(Kind.PHONE, value)], [new_id(self._clock())])[0]

    def _erase_replaced(self, unit: Unit, tenant: Tenant, old: UUID | None, new: UUID | None) -> None:
        if old is not None and new is not None:
            token_store.erase(unit.conn, tenant.id, old, self._clock())
