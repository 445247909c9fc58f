"""Making waybills: for recipients given in tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from vault_gateway.access.resources import tenant_ground
from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Ledger, Unit
from vault_gateway.database import Row
from vault_gateway.errors import GatewayError
from vault_gateway.idempotency import RequestKey, earlier_answer, keep_answer
from vault_gateway.identity import store as identity_store
from vault_gateway.identity.tenants import TenantRegistry, denial
from vault_gateway.ids import base32, new_id
from vault_gateway.model import Caller, Clock, Kind, Tenant
from vault_gateway.networks.issuing import SegmentIssuer
from vault_gateway.networks.verdicts import Networks
from vault_gateway.relay.service import Parcel, RelayService
from vault_gateway.routes import store as route_store
from vault_gateway.tokens import store as token_store
from vault_gateway.tokens.ids import parse_token, token_text
from vault_gateway.waybills import store
from vault_gateway.waybills.accepting import refusal
from vault_gateway.waybills.finding import about
from vault_gateway.waybills.numbering import Numbering
from vault_gateway.waybills.sheets import Sheet, insert_sheets
from vault_gateway.waybills.showing import show
from vault_gateway.waybills.states import State
from vault_gateway.waybills.store import Party, Waybill
from vault_gateway.waybills.views import Shown
from vault_gateway.waybills.watching import Watcher

# Levels of an address that a relay number may be of, the narrowest first.
_RELAY_LEVELS = ("city", "province")

# Views of the tokens that stand in orders.
Known = Mapping[UUID, Row]


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for: a waybill of `network` with `carrier` for a recipient given in tokens."""

    network: str
    carrier: str
    recipient: dict[str, str]
    sender: dict[str, str] | None = None
    order: str | None = None
    waybill_no: str | None = None
    # Whose segment the number is taken from, where the merchant has several.
    branch: str | None = None
    relay: bool = False


class WaybillMaker:
    def __init__(
        self,
        ledger: Ledger,
        tenants: TenantRegistry,
        networks: Networks,
        issuer: SegmentIssuer,
        relay: RelayService,
        clock: Clock,
        watchers: Sequence[Watcher],
    ) -> None:
        self._ledger = ledger
        self._tenants = tenants
        self._networks = networks
        self._numbering = Numbering(networks, issuer)
        self._relay = relay
        self._clock = clock
        self._watchers = watchers

    def create(
        self, caller: Caller, tenant: Tenant, orders: Sequence[Order], key: RequestKey | None
    ) -> list[Shown | GatewayError]:
        """A waybill or the reason why there is none, in order. One transaction: all or nothing is kept. A parcel
        for which there is no relay number goes without one."""
        event = Event("waybill.create")
        policies = self._ledger.require(caller, event, tenant_ground(tenant), denial(caller.principal))
        with self._ledger.open(caller, tenant) as unit:
            earlier = None if key is None else earlier_answer(unit.conn, key, self._clock)
            if earlier is not None:
                return self._repeat(unit, tenant, earlier)
            self._tenants.ensure(unit.conn, tenant)
            known = known_tokens(unit, tenant, orders)
            carriers = identity_store.carriers_among(unit.conn, {order.carrier for order in orders})
            made = [self._draft(tenant, order, known, carriers) for order in orders]
            _route(unit, made, known)
            sheets = self._number(unit, tenant, orders, made)
            _keep(unit, tenant, made, sheets, replace(event, policies=policies))
            numberless = self._bind(unit, tenant, orders, made, known)
            if key is not None:
                keep_answer(unit.conn, key, [_stored(item) for item in made], self._clock)
            fresh = [item for item in made if isinstance(item, Waybill)]
            for watcher in self._watchers:
                watcher.made(unit, tenant, fresh)
            shown = iter(show(unit, tenant, fresh, self._clock(), numberless=numberless))
        return [item if isinstance(item, GatewayError) else next(shown) for item in made]

    def _draft(
        self, tenant: Tenant, order: Order, known: Known, carriers: frozenset[str]
    ) -> Waybill | GatewayError:
        network = self._networks.get(order.network)
        if network is None:
            return GatewayError("network_unknown", 422, "There is no such waybill network.")
        if order.carrier not in carriers:
            return GatewayError("carrier_unknown", 422, "There is no such carrier.")
        now = self._clock()
        refused = refusal(self._networks, network.name, order.waybill_no, tenant.platform, now)
        if refused is not None:
            return refused
        recipient = party_of(order.recipient, known)
        if isinstance(recipient, GatewayError):
            return recipient
        sender = None if order.sender is None else party_of(order.sender, known)
        if isinstance(sender, GatewayError):
            return sender
        return Waybill(
            id=new_id(now),
            waybill_no=order.waybill_no or "",
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

    def _number(
        self, unit: Unit, tenant: Tenant, orders: Sequence[Order], made: list[Waybill | GatewayError]
    ) -> list[Sheet]:
        """Puts numbers, or why there are none, in the places of the drafts in `made`."""
        drafts = {at: draft for at, draft in enumerate(made) if isinstance(draft, Waybill)}
        answers = self._numbering.number(unit, tenant, orders, drafts)
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
    ) -> dict[UUID, GatewayError]:
        """Relay numbers for those that ask; the others that asked, each with the reason."""
        parcels = [
            parcel_of(tenant, waybill, known)
            for order, waybill in zip(orders, made, strict=True)
            if order.relay and isinstance(waybill, Waybill)
        ]
        bound = self._relay.bind_extensions(unit, parcels) if parcels else []
        return {
            parcel.waybill_id: answer
            for parcel, answer in zip(parcels, bound, strict=True)
            if isinstance(answer, GatewayError)
        }

    def _repeat(self, unit: Unit, tenant: Tenant, stored: list[str]) -> list[Shown | GatewayError]:
        ids = [UUID(text) for text in stored if not text.startswith("!")]
        waybills = store.get_waybills(unit.conn, tenant.id, ids)
        as_made = [_as_made(waybill) for waybill in waybills.values()]
        shown = {one.waybill.id: one for one in show(unit, tenant, as_made, self._clock())}
        return [_stored_error(text[1:]) if text.startswith("!") else shown[UUID(text)] for text in stored]


def _route(unit: Unit, made: list[Waybill | GatewayError], known: Known) -> None:
    """Gives the drafts the codes that their carriers sort by."""
    drafts = [(at, draft) for at, draft in enumerate(made) if isinstance(draft, Waybill)]
    codes = routing_codes(unit, [(draft.carrier, draft.recipient) for _, draft in drafts], known)
    for (at, draft), code in zip(drafts, codes, strict=True):
        made[at] = replace(draft, routing_code=code)


def routing_codes(unit: Unit, parcels: Sequence[tuple[str, Party]], known: Known) -> list[str | None]:
    """By carrier and recipient, from the regions that the recipients' addresses were stored with."""
    regions = [known.get(recipient.address, {}).get("region") or {} for _, recipient in parcels]
    carriers = [carrier for carrier, _ in parcels]
    return route_store.codes_of(unit.conn, list(zip(carriers, regions, strict=True)))


def parcel_of(tenant: Tenant, waybill: Waybill, known: Known) -> Parcel:
    """The parcel as the relay room sees it."""
    region = known.get(waybill.recipient.address, {}).get("region") or {}
    regions = tuple(dict.fromkeys(region[level] for level in _RELAY_LEVELS if region.get(level)))
    return Parcel(tenant, waybill.id, waybill.waybill_no, waybill.recipient.phone, regions)


def known_tokens(unit: Unit, tenant: Tenant, orders: Sequence[Order]) -> Known:
    """Views of those tokens of `orders` that exist here."""
    parties = [party for order in orders for party in (order.recipient, order.sender or {})]
    parsed = {parse_token(text) for party in parties for text in party.values()}
    return token_store.find_views(unit.conn, tenant.id, [found[1] for found in parsed if found is not None])


def party_of(tokens: dict[str, str], known: Known) -> Party | GatewayError:
    """The kind of a token is what is stored, not what its text says: a phone never stands where a name is read."""
    found = {}
    for kind in Kind:
        parsed = parse_token(tokens[kind.value])
        if parsed is None or parsed[0] is not kind or known.get(parsed[1], {}).get("kind") != kind.value:
            return GatewayError("token_unknown", 422, f"The {kind.value} is not a token of this merchant.")
        found[kind] = parsed[1]
    return Party(found[Kind.NAME], found[Kind.PHONE], found[Kind.ADDRESS])


def tokens_of(*parties: Party | None) -> tuple[str, ...]:
    """Of a recipient and a sender, as text."""
    return tuple(
        token_text(kind, getattr(party, kind.value))
        for party in parties
        if party is not None
        for kind in Kind
    )


def _keep(
    unit: Unit, tenant: Tenant, made: Sequence[Waybill | GatewayError], sheets: Sequence[Sheet], event: Event
) -> None:
    waybills = [item for item in made if isinstance(item, Waybill)]
    if waybills:
        store.insert_waybills(unit.conn, tenant.id, waybills)
        insert_sheets(unit.conn, tenant.id, sheets)
        unit.record_all(
            [
                replace(about(event, waybill), tokens=tokens_of(waybill.recipient, waybill.sender))
                for waybill in waybills
            ]
        )
    foreign = sum(isinstance(item, GatewayError) and item.code == "token_unknown" for item in made)
    if foreign:
        # Somebody may be trying tokens. One event, as a tokenise request is one.
        denied = replace(event, outcome="deny", reason="token_unknown", policies=())
        unit.record(replace(denied, detail={"items": foreign}))


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
