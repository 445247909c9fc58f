"""Registering and removing couriers."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from vault_gateway.access.resources import fleet
from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Ledger, Unit, refused
from vault_gateway.errors import GatewayError, not_allowed, not_found
from vault_gateway.idempotency import RequestKey, earlier_answer, keep_answer
from vault_gateway.identity import store as identity_store
from vault_gateway.model import CARRIER_PLATFORM, SLUG, Caller, Clock, Tenant
from vault_gateway.relay.own_phones import OwnPhones
from vault_gateway.tokens import store as token_store


class CourierService:
    def __init__(self, ledger: Ledger, phones: OwnPhones, clock: Clock) -> None:
        self._ledger = ledger
        self._phones = phones
        self._clock = clock

    def register(
        self, caller: Caller, handle: str, station: str | None, phone: object | None, key: RequestKey | None
    ) -> str | None:
        """Registers a handle of the caller's carrier, or renews it; returns the phone's mask. The phone is
        tokenised before anything is stored, and the one that it replaces is erased."""
        carrier = caller.principal.carrier or "-"
        event = Event("courier.register", resource=f"courier:{handle}", carrier=carrier, station=station)
        policies = self._ledger.require(caller, event, fleet(carrier), not_allowed())
        tenant = Tenant(CARRIER_PLATFORM, carrier)
        new = None if phone is None else self._phones.seal(tenant, phone)
        with self._ledger.open(caller, tenant) as unit:
            earlier = None if key is None else earlier_answer(unit.conn, key, self._clock)
            if earlier is not None:
                return _mask(unit, tenant, earlier)
            if station is not None and not identity_store.station_exists(unit.conn, carrier, station):
                raise GatewayError("station_unknown", 422, "The carrier has no such station.")
            now = self._clock()
            event_id = unit.record(replace(event, policies=policies))
            # First the courier's row, which two requests for one handle wait for: each then finds the other's phone.
            identity_store.ensure_courier(unit.conn, carrier, handle, station, None, now)
            if new is not None:
                old = identity_store.courier_phone(unit.conn, carrier, handle)
                if old is not None:
                    self._phones.erase(unit, tenant, old, now)
                self._phones.keep(unit, tenant, new, event_id, now)
                identity_store.ensure_courier(unit.conn, carrier, handle, station, new.ids[0], now)
            if key is not None:
                keep_answer(unit.conn, key, "" if new is None else str(new.ids[0]), self._clock)
        return None if new is None else new.values[0].masked

    def remove(self, caller: Caller, handle: str) -> None:
        """The handle is nobody's from now on, its key is dead, and its phone is erased."""
        carrier = caller.principal.carrier or "-"
        known = SLUG.fullmatch(handle) is not None
        resource = f"courier:{handle}" if known else None
        event = Event("courier.remove", resource=resource, carrier=carrier)
        policies = self._ledger.require(caller, event, fleet(carrier), not_allowed())
        tenant = Tenant(CARRIER_PLATFORM, carrier)
        with self._ledger.open(caller, tenant) as unit:
            now = self._clock()
            row = identity_store.remove_courier(unit.conn, carrier, handle, now) if known else None
            if row is None:
                raise refused(event, not_found(), reason="unknown_courier")
            if row["phone_token"] is not None:
                self._phones.erase(unit, tenant, row["phone_token"], now)
            unit.record(replace(event, policies=policies))


def _mask(unit: Unit, tenant: Tenant, stored: str) -> str | None:
    """The mask that was answered; none for a phone that was erased since."""
    if not stored:
        return None
    view = token_store.find_views(unit.conn, tenant.id, [UUID(stored)]).get(UUID(stored))
    return None if view is None else str(view["masked"])
