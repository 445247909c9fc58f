"""Making waybills: for recipients given in tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from vault_gateway.access.resources import tenant_ground
from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Ledger, Unit
from vault_gateway.errors import GatewayError
from vault_gateway.idempotency import RequestKey, earlier_answer, keep_answer
from vault_gateway.identity.tenants import TenantRegistry, denial
from vault_gateway.inforce import InForce
from vault_gateway.model import Caller, Clock, Kind, Tenant
from vault_gateway.networks.verdicts import Networks
from vault_gateway.relay.service import Parcel, RelayService
from vault_gateway.relay.store.bindings import Binding
from vault_gateway.tokens.ids import token_text
from vault_gateway.tokens.matching import groups_of
from vault_gateway.waybills.drafting import Drafts, Known, Order, drafts_of, known_tokens
from vault_gateway.waybills.merging import (
    Lots,
    among_all,
    each_alone,
    gathered,
    in_places,
    lots_of,
    merged_recipients,
)
from vault_gateway.waybills.numbering import Numbering
from vault_gateway.waybills.showing import show
from vault_gateway.waybills.states import State
from vault_gateway.waybills.store.orders import insert_merged_recipients
from vault_gateway.waybills.store.sheets import Sheet, insert_sheets
from vault_gateway.waybills.store.waybills import get_waybills, insert_waybills
from vault_gateway.waybills.views import Shown
from vault_gateway.waybills.watching import Watcher
from vault_gateway.waybills.waybill import Party, Waybill

# Levels of an address that a relay number may be of, the narrowest first.
_RELAY_LEVELS = ("city", "province")


class WaybillMaker:
    def __init__(
        self,
        ledger: Ledger,
        tenants: TenantRegistry,
        networks: InForce[Networks],
        numbering: Numbering,
        relay: RelayService,
        clock: Clock,
        watchers: Sequence[Watcher],
    ) -> None:
        self._ledger = ledger
        self._tenants = tenants
        self._networks = networks
        self._numbering = numbering
        self._relay = relay
        self._clock = clock
        self._watchers = watchers

    def create(
        self,
        caller: Caller,
        tenant: Tenant,
        asked: Sequence[Order | GatewayError],
        key: RequestKey | None,
        *,
        merge: bool = False,
    ) -> list[Shown | GatewayError]:
        """A waybill or the reason why there is none, in order; what is asked for is an order, or the error of one that
        could not be read. One transaction: all or nothing is kept. A parcel for which there is no relay number goes
        without one. With `merge` orders of one recipient go in one parcel, which is then the answer of each."""
        event = Event("waybill.create")
        policies = self._ledger.require(caller, event, tenant_ground(tenant), denial(caller.principal))
        with self._ledger.open(caller, tenant) as unit:
            earlier = None if key is None else earlier_answer(unit.conn, key, self._clock)
            if earlier is not None:
                return self._repeat(unit, tenant, earlier)
            self._tenants.ensure(unit.conn, tenant)
            orders = [one for one in asked if isinstance(one, Order)]
            known = known_tokens(unit, tenant, orders)
            networks, now = self._networks(), self._clock()
            drafts = drafts_of(unit, tenant, orders, known, networks, now)
            lots = lots_of(unit, tenant, orders, drafts) if merge else each_alone(orders)
            together, made = gathered(lots, orders, drafts)
            leading = [some[0] for some in together]
            sheets = self._number(unit, tenant, leading, made, networks)
            insert_sheets(unit.conn, tenant.id, sheets, networks.day_of(tenant.platform, now))
            _keep(unit, tenant, together, made, replace(event, policies=policies))
            insert_merged_recipients(unit.conn, tenant.id, merged_recipients(lots, drafts, made))
            bound = self._bind(unit, tenant, leading, made, known)
            lots, made = among_all(asked, lots, made)
            if key is not None:
                stored = in_places(lots, [_stored(item, bound) for item in made])
                keep_answer(unit.conn, key, stored, self._clock)
            fresh = [item for item in made if isinstance(item, Waybill)]
            for watcher in self._watchers:
                watcher.made(unit, tenant, fresh, known)
        return _answers(
            lots,
            [
                item if isinstance(item, GatewayError) else Shown(item, known.masks, bound.get(item.id))
                for item in made
            ],
        )

    def _number(
        self, unit: Unit, tenant: Tenant, orders: Sequence[Order], made: Drafts, networks: Networks
    ) -> list[Sheet]:
        """Puts numbers, or why there are none, in the places of the drafts in `made`."""
        drafts = {at: draft for at, draft in enumerate(made) if isinstance(draft, Waybill)}
        answers = self._numbering.number(unit, tenant, orders, drafts, networks)
        for at, answer in answers.items():
            made[at] = answer if isinstance(answer, GatewayError) else answer.waybill
        return [answer for answer in answers.values() if isinstance(answer, Sheet)]

    def _bind(
        self,
        unit: Unit,
        tenant: Tenant,
        orders: Sequence[Order],
        made: Sequence[Waybill | GatewayError],
        known: Known,
    ) -> dict[UUID, Binding | GatewayError]:
        """Relay numbers for those that ask, or the reason why there is none."""
        parcels = [
            parcel_of(tenant, waybill, known.region_of(waybill.recipient))
            for order, waybill in zip(orders, made, strict=True)
            if order.relay and isinstance(waybill, Waybill)
        ]
        bound = self._relay.bind_extensions(unit, parcels) if parcels else []
        return {parcel.waybill_id: answer for parcel, answer in zip(parcels, bound, strict=True)}

    def _repeat(self, unit: Unit, tenant: Tenant, stored: list[str]) -> list[Shown | GatewayError]:
        lots = groups_of(stored)
        kept = [stored[lot[0]].partition("!") for lot in lots]
        ids = [UUID(text) for text, _, _ in kept if text]
        numberless = {UUID(text): _stored_error(error) for text, _, error in kept if text and error}
        as_made = [_as_made(waybill) for waybill in get_waybills(unit.conn, tenant.id, ids).values()]
        by_id = {
            str(one.waybill.id): replace(one, relay=one.relay or numberless.get(one.waybill.id))
            for one in show(unit, tenant, as_made, self._clock())
        }
        return _answers(lots, [by_id[text] if text else _stored_error(error) for text, _, error in kept])


def parcel_of(tenant: Tenant, waybill: Waybill, region: Mapping[str, str]) -> Parcel:
    """The parcel as the relay room sees it; `region` is its recipient's."""
    regions = tuple(dict.fromkeys(region[level] for level in _RELAY_LEVELS if region.get(level)))
    return Parcel(tenant, waybill.id, waybill.waybill_no, waybill.recipient.phone, regions)


def tokens_of(*parties: Party | None) -> tuple[str, ...]:
    """Of a recipient and a sender, as text."""
    return tuple(
        token_text(kind, getattr(party, kind.value))
        for party in parties
        if party is not None
        for kind in Kind
    )


def _keep(
    unit: Unit,
    tenant: Tenant,
    together: Sequence[Sequence[Order]],
    made: Sequence[Waybill | GatewayError],
    event: Event,
) -> None:
    waybills = [item for item in made if isinstance(item, Waybill)]
    if waybills:
        insert_waybills(unit.conn, tenant.id, waybills)
        unit.record_all(
            [
                _told(event, orders, waybill)
                for orders, waybill in zip(together, made, strict=True)
                if isinstance(waybill, Waybill)
            ]
        )
    foreign = sum(isinstance(item, GatewayError) and item.code == "token_unknown" for item in made)
    if foreign:
        # Somebody may be trying tokens. One event, as a tokenise request is one.
        denied = replace(event, outcome="deny", reason="token_unknown", policies=())
        unit.record(replace(denied, detail={"items": foreign}))


def _told(event: Event, orders: Sequence[Order], waybill: Waybill) -> Event:
    """With the texts of the tokens as they came: to write a thousand of them anew takes a while."""
    parties = [party for order in orders for party in (order.recipient, order.sender or {})]
    return Event(
        event.action,
        policies=event.policies,
        waybill=waybill.waybill_no,
        orders=waybill.orders,
        carrier=waybill.carrier,
        tokens=[text for party in parties for text in party.values()],
        detail={"orders": len(orders)} if len(orders) > 1 else {},
    )


def _answers(lots: Lots, answers: Sequence[Shown | GatewayError]) -> list[Shown | GatewayError]:
    """In the places of the orders; one that several share says whose it is."""
    told = [
        replace(answer, merged=tuple(lot)) if isinstance(answer, Shown) and len(lot) > 1 else answer
        for lot, answer in zip(lots, answers, strict=True)
    ]
    return in_places(lots, told)


def _as_made(waybill: Waybill) -> Waybill:
    """In the state and with the times that were answered when it was made. Recipient and relay number stay as they are
    now: masks that were kept with the request would outlive an erasure."""
    return replace(
        waybill,
        state=State.CREATED,
        courier=None,
        station=None,
        deliver_by=None,
        updated_at=waybill.created_at,
    )


def _stored(item: Waybill | GatewayError, bound: Mapping[UUID, Binding | GatewayError]) -> str:
    """An id, behind `!` an error, or both: the parcel was made, and has no relay number though it asked for one."""
    made = "" if isinstance(item, GatewayError) else str(item.id)
    error = item if isinstance(item, GatewayError) else bound.get(item.id)
    return f"{made}!{error.code} {error.detail}" if isinstance(error, GatewayError) else made


def _stored_error(text: str) -> GatewayError:
    code, _, detail = text.partition(" ")
    return GatewayError(code, 422, detail)
