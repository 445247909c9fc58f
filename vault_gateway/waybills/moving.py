"""A parcel's way: events of its carrier, cancelling, another recipient before it starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Ledger, Unit, refused
from vault_gateway.errors import GatewayError
from vault_gateway.idempotency import RequestKey, earlier_answer, keep_answer
from vault_gateway.identity import store as identity_store
from vault_gateway.ids import new_id
from vault_gateway.model import CARRIER_PLATFORM, Caller, Clock, Tenant
from vault_gateway.networks.issuing import SegmentIssuer
from vault_gateway.relay.service import RelayService
from vault_gateway.relay.store.bindings import Phone
from vault_gateway.waybills.creating import tokens_of
from vault_gateway.waybills.drafting import Order, known_tokens, routing_codes
from vault_gateway.waybills.finding import about, find
from vault_gateway.waybills.sheets import cancel_sheet
from vault_gateway.waybills.showing import show
from vault_gateway.waybills.states import FINAL, State, may_follow
from vault_gateway.waybills.store.events import after_event, insert_event
from vault_gateway.waybills.store.numbers import release_number
from vault_gateway.waybills.store.waybills import update_recipient, update_state
from vault_gateway.waybills.views import Shown
from vault_gateway.waybills.watching import Move, Watcher
from vault_gateway.waybills.waybill import Waybill

DELIVERY_WINDOW = timedelta(hours=24)
LONGEST_DELIVERY_WINDOW = timedelta(days=14)
_CLOCK_SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class CarrierEvent:
    type: State
    courier: str | None = None
    station: str | None = None
    deliver_by: datetime | None = None
    at: datetime | None = None


class WaybillMover:
    def __init__(
        self,
        ledger: Ledger,
        relay: RelayService,
        issuer: SegmentIssuer,
        clock: Clock,
        watchers: Sequence[Watcher],
    ) -> None:
        self._ledger = ledger
        self._relay = relay
        self._issuer = issuer
        self._clock = clock
        self._watchers = watchers

    def cancel(self, caller: Caller, waybill_no: str) -> Shown:
        with self._ledger.open(caller) as unit:
            event = Event("waybill.cancel")
            tenant, waybill, policies = find(unit, waybill_no, event, lock="update")
            event = replace(event, policies=policies)
            _require_state(waybill, State.CANCELLED, about(event, waybill))
            moved, _ = self._move(unit, tenant, waybill, CarrierEvent(State.CANCELLED), event)
            return show(unit, tenant, [moved], self._clock())[0]

    def correct(self, caller: Caller, waybill_no: str, recipient: dict[str, str]) -> Shown:
        """Another recipient, while the carrier has not accepted the parcel. Its relay number reaches the new one
        from this moment."""
        with self._ledger.open(caller) as unit:
            event = Event("waybill.correct")
            tenant, waybill, policies = find(unit, waybill_no, event, lock="update")
            event = about(replace(event, policies=policies), waybill)
            if waybill.state is not State.CREATED:
                raise refused(event, _illegal(), reason="illegal_transition")
            order = Order(waybill.network, waybill.carrier, recipient)
            known = known_tokens(unit, tenant, [order])
            party = known.party(recipient)
            if isinstance(party, GatewayError):
                raise refused(event, party, reason=party.code)
            [code] = routing_codes(unit, [(waybill.carrier, party)], known)
            now = self._clock()
            update_recipient(unit.conn, tenant.id, waybill.id, party, code, now)
            self._relay.reach(unit, tenant, waybill.id, party.phone)
            unit.record(replace(event, tokens=tokens_of(waybill.recipient, party)))
            corrected = replace(waybill, recipient=party, routing_code=code, updated_at=now)
            for watcher in self._watchers:
                watcher.corrected(unit, tenant, corrected, known)
            return show(unit, tenant, [corrected], self._clock())[0]

    def carrier_event(
        self, caller: Caller, waybill_no: str, event: CarrierEvent, key: RequestKey | None
    ) -> Shown:
        """Moves a parcel; 409 `illegal_transition` for an event that cannot follow, which is audited."""
        with self._ledger.open(caller) as unit:
            earlier = None if key is None else earlier_answer(unit.conn, key, self._clock)
            told = Event("waybill.event", detail={"type": event.type.value})
            tenant, waybill, policies = find(unit, waybill_no, told, lock="update")
            told = replace(told, policies=policies)
            if earlier is not None:
                then = after_event(unit.conn, tenant.id, waybill, UUID(earlier))
                return show(unit, tenant, [then], self._clock())[0]
            _require_state(waybill, event.type, about(told, waybill))
            self._check_event(unit, waybill, event)
            moved, event_id = self._move(unit, tenant, waybill, event, told)
            if key is not None:
                keep_answer(unit.conn, key, str(event_id), self._clock)
            return show(unit, tenant, [moved], self._clock())[0]

    def _check_event(self, unit: Unit, waybill: Waybill, event: CarrierEvent) -> None:
        if event.at is not None and event.at > self._clock() + _CLOCK_SKEW:
            raise GatewayError("event_in_future", 422, "An event cannot happen in the future.")
        if event.type is State.OUT_FOR_DELIVERY:
            self._check_handover(unit, waybill, event)
        if event.type is State.AT_STATION:
            if event.station is None:
                raise GatewayError("station_required", 422, "A parcel is at a named station.")
            if not identity_store.station_exists(unit.conn, waybill.carrier, event.station):
                raise GatewayError("station_unknown", 422, "The carrier has no such station.")

    def _check_handover(self, unit: Unit, waybill: Waybill, event: CarrierEvent) -> None:
        now = self._clock()
        if event.courier is None:
            raise GatewayError("courier_required", 422, "A parcel goes out for delivery with a courier.")
        if not identity_store.courier_exists(unit.conn, waybill.carrier, event.courier):
            raise GatewayError("courier_unknown", 422, "The carrier has no such courier.")
        if event.deliver_by is not None and not now < event.deliver_by <= now + LONGEST_DELIVERY_WINDOW:
            raise GatewayError("deliver_by_invalid", 422, "deliver_by is in the next 14 days.")

    def _move(
        self, unit: Unit, tenant: Tenant, waybill: Waybill, event: CarrierEvent, told: Event
    ) -> tuple[Waybill, UUID]:
        """The moved waybill and the id of the event that moved it."""
        now = self._clock()
        out = event.type is State.OUT_FOR_DELIVERY
        keeps_courier = event.type in (State.DELIVERED, State.FAILED_ATTEMPT)
        moved = replace(
            waybill,
            state=event.type,
            courier=event.courier if out else (waybill.courier if keeps_courier else None),
            station=event.station if event.type is State.AT_STATION else None,
            deliver_by=(event.deliver_by or now + DELIVERY_WINDOW) if out else waybill.deliver_by,
            updated_at=now,
        )
        update_state(unit.conn, tenant.id, moved)
        if moved.state in FINAL:
            release_number(unit.conn, moved.waybill_no, moved.id)
        if moved.state is State.CANCELLED:
            cancel_sheet(unit, tenant, waybill, self._issuer, now)
        self._follow(unit, tenant, moved)
        if moved.courier != waybill.courier:
            couriers = Tenant(CARRIER_PLATFORM, moved.carrier)
            recipient = Phone(tenant.id, moved.recipient.phone)
            self._relay.release_pairs_of(unit, tenant, moved.id, couriers.id, recipient)
        event_id, at = new_id(now), event.at or now
        insert_event(unit.conn, tenant.id, event_id, moved, event.type.value, at, now)
        for watcher in self._watchers:
            watcher.moved(unit, tenant, Move(event_id, waybill, moved, at))
        detail: dict[str, str | int] = {"type": event.type.value}
        unit.record(about(replace(told, detail=detail), moved))
        return moved, event_id

    def _follow(self, unit: Unit, tenant: Tenant, moved: Waybill) -> None:
        """What becomes of the parcel's relay number."""
        if moved.state is State.CANCELLED:
            self._relay.release(unit, tenant, moved.id)
        elif moved.state in FINAL:
            self._relay.settle(unit, tenant, moved.id, arrived=moved.state is State.DELIVERED)
        else:
            self._relay.extend(unit, tenant, moved.id, moved.deliver_by)


def _illegal() -> GatewayError:
    return GatewayError("illegal_transition", 409, "The parcel is not in a state in which this can happen.")


def _require_state(waybill: Waybill, wanted: State, event: Event) -> None:
    if not may_follow(waybill.state, wanted):
        raise refused(event, _illegal(), reason="illegal_transition")
