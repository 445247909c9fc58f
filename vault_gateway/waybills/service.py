"""Making waybills, moving them, and showing them masked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from vault_gateway.access import Resource
from vault_gateway.access.resources import tenant_ground, waybill_resource
from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Ledger, Unit, refused
from vault_gateway.database import Row
from vault_gateway.errors import GatewayError, not_found
from vault_gateway.idempotency import RequestKey, earlier_answer, keep_answer
from vault_gateway.identity import store as identity_store
from vault_gateway.identity.tenants import TenantRegistry, denial
from vault_gateway.ids import base32, new_id
from vault_gateway.model import Caller, Clock, Kind, Role, Tenant
from vault_gateway.tokens import store as token_store
from vault_gateway.tokens.ids import parse_token
from vault_gateway.waybills import store
from vault_gateway.waybills.networks import Network
from vault_gateway.waybills.states import FINAL, State, may_follow
from vault_gateway.waybills.store import Party, Waybill
from vault_gateway.waybills.views import Shown

DELIVERY_WINDOW = timedelta(hours=24)
LONGEST_DELIVERY_WINDOW = timedelta(days=14)
_CLOCK_SKEW = timedelta(minutes=5)
_TRIES_FOR_A_FREE_NUMBER = 5


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for: a waybill of `network` with `carrier` for a recipient given in tokens."""

    network: str
    carrier: str
    recipient: dict[str, str]
    sender: dict[str, str] | None = None
    order: str | None = None
    waybill_no: str | None = None


@dataclass(frozen=True, slots=True)
class CarrierEvent:
    type: State
    courier: str | None = None
    station: str | None = None
    deliver_by: datetime | None = None
    at: datetime | None = None


def resource_of(tenant: Tenant, waybill: Waybill) -> Resource:
    return waybill_resource(
        tenant,
        waybill.waybill_no,
        carrier=waybill.carrier,
        state=waybill.state.value,
        courier=waybill.courier,
        station=waybill.station,
        deliver_by=waybill.deliver_by,
    )


class WaybillService:
    def __init__(
        self, ledger: Ledger, tenants: TenantRegistry, networks: dict[str, Network], clock: Clock
    ) -> None:
        self._ledger = ledger
        self._tenants = tenants
        self._networks = networks
        self._clock = clock

    def create(
        self, caller: Caller, tenant: Tenant, orders: Sequence[Order], key: RequestKey | None
    ) -> list[Shown | GatewayError]:
        """A waybill or the reason why there is none, in order. One transaction: all or nothing is kept."""
        event = Event("waybill.create")
        policies = self._ledger.require(caller, event, tenant_ground(tenant), denial(caller.principal))
        with self._ledger.open(caller, tenant) as unit:
            earlier = None if key is None else earlier_answer(unit.conn, key, self._clock)
            if earlier is not None:
                return self._repeat(unit, tenant, earlier)
            self._tenants.ensure(unit.conn, tenant)
            known = _known_tokens(unit, tenant, orders)
            carriers = identity_store.carriers_among(unit.conn, {order.carrier for order in orders})
            made = [self._draft(order, known, carriers) for order in orders]
            self._take_numbers(unit, tenant, orders, made)
            self._keep(unit, tenant, made, replace(event, policies=policies))
            if key is not None:
                keep_answer(unit.conn, key, [_stored(item) for item in made], self._clock)
        masks = {token: row["masked"] for token, row in known.items()}
        return [item if isinstance(item, GatewayError) else Shown(item, masks) for item in made]

    def view(self, caller: Caller, waybill_no: str) -> Shown:
        """A waybill's masked view; the 404 of an unknown number for whoever may not see it."""
        with self._ledger.open(caller) as unit:
            tenant, waybill = self.find(unit, waybill_no, Event("waybill.read"))
            return Shown(waybill, masks_of(unit, tenant, [waybill]))

    def cancel(self, caller: Caller, waybill_no: str) -> Shown:
        with self._ledger.open(caller) as unit:
            event = Event("waybill.cancel")
            tenant, waybill = self.find(unit, waybill_no, event, lock="update")
            _require_state(waybill, State.CANCELLED, _about(event, waybill))
            moved, _ = self._move(unit, tenant, waybill, CarrierEvent(State.CANCELLED))
            return Shown(moved, masks_of(unit, tenant, [moved]))

    def correct(self, caller: Caller, waybill_no: str, recipient: dict[str, str]) -> Shown:
        """Another recipient, while the carrier has not accepted the parcel."""
        with self._ledger.open(caller) as unit:
            event = Event("waybill.correct")
            tenant, waybill = self.find(unit, waybill_no, event, lock="update")
            if waybill.state is not State.CREATED:
                raise refused(_about(event, waybill), _illegal(), reason="illegal_transition")
            order = Order(waybill.network, waybill.carrier, recipient)
            party = _party(recipient, _known_tokens(unit, tenant, [order]))
            if isinstance(party, GatewayError):
                raise refused(_about(event, waybill), party, reason=party.code)
            store.update_recipient(unit.conn, tenant.id, waybill.id, party, self._clock())
            unit.record(_about(event, waybill))
            corrected = replace(waybill, recipient=party, updated_at=self._clock())
            return Shown(corrected, masks_of(unit, tenant, [corrected]))

    def carrier_event(
        self, caller: Caller, waybill_no: str, event: CarrierEvent, key: RequestKey | None
    ) -> Shown:
        """Moves a parcel; 409 `illegal_transition` for an event that cannot follow, which is audited."""
        with self._ledger.open(caller) as unit:
            earlier = None if key is None else earlier_answer(unit.conn, key, self._clock)
            told = Event("waybill.event", detail={"type": event.type.value})
            tenant, waybill = self.find(unit, waybill_no, told, lock="update")
            if earlier is not None:
                then = store.after_event(unit.conn, tenant.id, waybill, UUID(earlier))
                return Shown(then, masks_of(unit, tenant, [then]))
            _require_state(waybill, event.type, _about(told, waybill))
            self._check_event(unit, waybill, event)
            moved, event_id = self._move(unit, tenant, waybill, event)
            if key is not None:
                keep_answer(unit.conn, key, str(event_id), self._clock)
            return Shown(moved, masks_of(unit, tenant, [moved]))

    def find(
        self, unit: Unit, waybill_no: str, event: Event, *, action: str | None = None, lock: str | None = None
    ) -> tuple[Tenant, Waybill]:
        """Locates a number, enters its tenant and asks for `action` (the event's, where none is given) on it.
        Unknown and foreign are one answer; whoever may read the waybill hears that the action is refused."""
        waybill_id, tenant = self._locate(unit, waybill_no, event)
        unit.enter(tenant)
        waybill = store.get_waybill(unit.conn, tenant.id, waybill_id, lock=lock)
        resource = resource_of(tenant, waybill)
        decision = unit.decide(action or event.action, resource)
        if not decision.allowed:
            readable = unit.decide("waybill.read", resource).allowed
            answer = GatewayError("forbidden", 403, "Your role may not do this.") if readable else not_found()
            raise refused(_about(event, waybill), answer, reason="not_permitted", policies=decision.policies)
        return tenant, waybill

    def _locate(self, unit: Unit, waybill_no: str, event: Event) -> tuple[UUID, Tenant]:
        """The parcel that is meant: the live one, or where its number had another life, the caller's own."""
        located = store.locate_all(unit.conn, waybill_no)
        if not located:
            raise refused(event, not_found(), reason="unknown_waybill")
        for waybill_id, tenant in located if len(located) > 1 else ():
            unit.enter(tenant)
            waybill = store.get_waybill(unit.conn, tenant.id, waybill_id)
            if unit.decide("waybill.read", resource_of(tenant, waybill)).allowed:
                return waybill_id, tenant
        return located[0]

    def _draft(
        self, order: Order, known: dict[UUID, Row], carriers: frozenset[str]
    ) -> Waybill | GatewayError:
        network = self._networks.get(order.network)
        if network is None:
            return GatewayError("network_unknown", 422, "There is no such waybill network.")
        if order.carrier not in carriers:
            return GatewayError("carrier_unknown", 422, "There is no such carrier.")
        recipient = _party(order.recipient, known)
        if isinstance(recipient, GatewayError):
            return recipient
        sender = None if order.sender is None else _party(order.sender, known)
        if isinstance(sender, GatewayError):
            return sender
        now = self._clock()
        return Waybill(
            id=new_id(now),
            waybill_no=order.waybill_no or network.test_number(),
            network=network.name,
            carrier=order.carrier,
            order_ref=order.order,
            state=State.CREATED,
            recipient=recipient,
            sender=sender,
            courier=None,
            station=None,
            deliver_by=None,
            receipt_code=f"rc_{base32(new_id(now))}",
            created_at=now,
            updated_at=now,
        )

    def _take_numbers(
        self, unit: Unit, tenant: Tenant, orders: Sequence[Order], made: list[Waybill | GatewayError]
    ) -> None:
        """In the order of numbers: two batches that share some wait for one another, and never both."""
        drafts = [
            (draft.waybill_no, at, draft) for at, draft in enumerate(made) if isinstance(draft, Waybill)
        ]
        for _, at, draft in sorted(drafts, key=lambda one: one[:2]):
            network = None if orders[at].waybill_no else self._networks[draft.network]
            made[at] = _take_number(unit, tenant, draft, network)

    def _keep(self, unit: Unit, tenant: Tenant, made: Sequence[Waybill | GatewayError], event: Event) -> None:
        for item in made:
            if isinstance(item, Waybill):
                store.insert_waybill(unit.conn, tenant.id, item)
                unit.record(_about(event, item))
        foreign = sum(isinstance(item, GatewayError) and item.code == "token_unknown" for item in made)
        if foreign:
            # Somebody may be trying tokens. One event, as a tokenise request is one.
            denied = replace(event, outcome="deny", reason="token_unknown", policies=())
            unit.record(replace(denied, detail={"items": foreign}))

    def _repeat(self, unit: Unit, tenant: Tenant, stored: list[str]) -> list[Shown | GatewayError]:
        ids = [UUID(text) for text in stored if not text.startswith("!")]
        waybills = store.get_waybills(unit.conn, tenant.id, ids)
        masks = masks_of(unit, tenant, waybills.values())
        return [
            _stored_error(text[1:]) if text.startswith("!") else Shown(_as_made(waybills[UUID(text)]), masks)
            for text in stored
        ]

    def _check_event(self, unit: Unit, waybill: Waybill, event: CarrierEvent) -> None:
        now = self._clock()
        if event.at is not None and event.at > now + _CLOCK_SKEW:
            raise GatewayError("event_in_future", 422, "An event cannot happen in the future.")
        if event.type is State.OUT_FOR_DELIVERY:
            if event.courier is None:
                raise GatewayError("courier_required", 422, "A parcel goes out for delivery with a courier.")
            if not identity_store.courier_exists(unit.conn, waybill.carrier, event.courier):
                raise GatewayError("courier_unknown", 422, "The carrier has no such courier.")
            if event.deliver_by is not None and not now < event.deliver_by <= now + LONGEST_DELIVERY_WINDOW:
                raise GatewayError("deliver_by_invalid", 422, "deliver_by is in the next 14 days.")
        if event.type is State.AT_STATION:
            if event.station is None:
                raise GatewayError("station_required", 422, "A parcel is at a named station.")
            if not identity_store.station_exists(unit.conn, waybill.carrier, event.station):
                raise GatewayError("station_unknown", 422, "The carrier has no such station.")

    def _move(
        self, unit: Unit, tenant: Tenant, waybill: Waybill, event: CarrierEvent
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
        store.update_state(unit.conn, tenant.id, moved)
        if moved.state in FINAL:
            store.release_number(unit.conn, moved.waybill_no, moved.id)
        event_id = new_id(now)
        store.insert_event(unit.conn, tenant.id, event_id, moved, event.type.value, event.at or now, now)
        action = (
            "waybill.cancel"
            if unit.caller.principal.role in (Role.MERCHANT, Role.PLATFORM)
            else "waybill.event"
        )
        unit.record(_about(Event(action, detail={"type": event.type.value}), moved))
        return moved, event_id


def _about(event: Event, waybill: Waybill) -> Event:
    return replace(
        event,
        waybill=waybill.waybill_no,
        order=waybill.order_ref,
        carrier=waybill.carrier,
        station=waybill.station,
    )


def _illegal() -> GatewayError:
    return GatewayError("illegal_transition", 409, "The parcel is not in a state in which this can happen.")


def _require_state(waybill: Waybill, wanted: State, event: Event) -> None:
    if not may_follow(waybill.state, wanted):
        raise refused(event, _illegal(), reason="illegal_transition")


def _take_number(
    unit: Unit, tenant: Tenant, waybill: Waybill, network: Network | None
) -> Waybill | GatewayError:
    """Enters the waybill's number; with a network, another made-up number is tried where one is in use."""
    for _ in range(_TRIES_FOR_A_FREE_NUMBER if network is not None else 1):
        if store.take_number(unit.conn, waybill.waybill_no, waybill.id, tenant.id):
            return waybill
        if network is not None:
            waybill = replace(waybill, waybill_no=network.test_number())
    return GatewayError("waybill_no_unusable", 422, "This waybill number cannot be used.")


def _tokens_of(waybills: Iterable[Waybill]) -> list[UUID]:
    parties = [party for w in waybills for party in (w.recipient, w.sender) if party is not None]
    return [token for party in parties for token in (party.name, party.phone, party.address)]


def masks_of(unit: Unit, tenant: Tenant, waybills: Iterable[Waybill]) -> dict[UUID, str]:
    views = token_store.find_views(unit.conn, tenant.id, _tokens_of(waybills))
    return {token: row["masked"] for token, row in views.items()}


def _known_tokens(unit: Unit, tenant: Tenant, orders: Sequence[Order]) -> dict[UUID, Row]:
    """Views of those tokens of `orders` that exist here."""
    parties = [party for order in orders for party in (order.recipient, order.sender or {})]
    parsed = {parse_token(text) for party in parties for text in party.values()}
    return token_store.find_views(unit.conn, tenant.id, [found[1] for found in parsed if found is not None])


def _party(tokens: dict[str, str], known: dict[UUID, Row]) -> Party | GatewayError:
    """The kind of a token is what is stored, not what its text says: a phone never stands where a name is read."""
    found = {}
    for kind in Kind:
        parsed = parse_token(tokens[kind.value])
        if parsed is None or parsed[0] is not kind or known.get(parsed[1], {}).get("kind") != kind.value:
            return GatewayError("token_unknown", 422, f"The {kind.value} is not a token of this merchant.")
        found[kind] = parsed[1]
    return Party(found[Kind.NAME], found[Kind.PHONE], found[Kind.ADDRESS])


def _as_made(waybill: Waybill) -> Waybill:
    """As it was answered when it was made, whatever has happened to it since."""
    return replace(
        waybill,
        state=State.CREATED,
        courier=None,
        station=None,
        deliver_by=None,
        updated_at=waybill.created_at,
    )


def _stored(item: Waybill | GatewayError) -> str:
    return f"!{item.code} {item.detail}" if isinstance(item, GatewayError) else str(item.id)


def _stored_error(text: str) -> GatewayError:
    code, _, detail = text.partition(" ")
    return GatewayError(code, 422, detail)
