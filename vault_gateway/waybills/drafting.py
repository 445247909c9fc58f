"""From orders to drafts: waybills that lack nothing but their numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from vault_gateway.audit.ledger import Unit
from vault_gateway.errors import GatewayError
from vault_gateway.identity import store as identity_store
from vault_gateway.ids import new_ids, new_texts
from vault_gateway.model import Tenant
from vault_gateway.networks.verdicts import Networks
from vault_gateway.routes import store as route_store
from vault_gateway.tokens import store as token_store
from vault_gateway.tokens.ids import parse_token
from vault_gateway.waybills.accepting import refusal
from vault_gateway.waybills.states import State
from vault_gateway.waybills.waybill import Party, Waybill


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


@dataclass(frozen=True, slots=True)
class Known:
    """The tokens of orders that are this merchant's: ids by kind and text; masks, and regions of addresses, by id."""

    ids: Mapping[str, Mapping[str, UUID]]
    masks: dict[UUID, str]
    regions: Mapping[UUID, Mapping[str, str]]

    def party(self, tokens: Mapping[str, str]) -> Party | GatewayError:
        name, phone, address = (self.ids[kind].get(tokens[kind]) for kind in _PARTY)
        if name is None or phone is None or address is None:
            kind = next(kind for kind in _PARTY if tokens[kind] not in self.ids[kind])
            return GatewayError("token_unknown", 422, f"The {kind} is not a token of this merchant.")
        return Party(name, phone, address)

    def region_of(self, party: Party) -> Mapping[str, str]:
        """Of the party's address, as it was stored."""
        return self.regions[party.address]


Drafts = list[Waybill | GatewayError]
_PARTY = ("name", "phone", "address")


def known_tokens(unit: Unit, tenant: Tenant, orders: Sequence[Order]) -> Known:
    """The kind of a token is what is stored, not what its text says: a phone never stands where a name is read."""
    texts = {text for order in orders for text in order.recipient.values()}
    texts |= {text for order in orders if order.sender is not None for text in order.sender.values()}
    parsed = [(text, found) for text in texts if (found := parse_token(text)) is not None]
    stored = token_store.find_masks(unit.conn, tenant.id, [found[1] for _, found in parsed])
    by_id = {row[0]: row for row in stored}
    ids: dict[str, dict[str, UUID]] = {kind: {} for kind in _PARTY}
    for text, (kind, token) in parsed:
        row = by_id.get(token)
        if row is not None and row[1] == kind:
            # The very object that masks go by: to compare two takes longer than to find one.
            ids[row[1]][text] = row[0]
    masks = {token: masked for token, _, masked, _ in stored}
    regions = {token: region or {} for token, kind, _, region in stored if kind == "address"}
    return Known(ids, masks, regions)


def drafts_of(
    unit: Unit, tenant: Tenant, orders: Sequence[Order], known: Known, networks: Networks, now: datetime
) -> Drafts:
    """A draft, or the reason why there is none, for each order."""
    carriers = identity_store.carriers_among(unit.conn, {order.carrier for order in orders})
    refusals = {
        asked: refusal(networks, *asked, tenant.platform, now)
        for asked in {(order.network, order.carrier, order.waybill_no) for order in orders}
        if asked[0] in networks
    }
    ids, receipts = new_ids(now, len(orders)), new_texts(now, len(orders))
    drafts: Drafts = []
    for order, waybill_id, receipt in zip(orders, ids, receipts, strict=True):
        parties = _parties(order, known)
        if order.network not in networks:
            drafts.append(GatewayError("network_unknown", 422, "There is no such waybill network."))
        elif order.carrier not in carriers:
            drafts.append(GatewayError("carrier_unknown", 422, "There is no such carrier."))
        elif (refused := refusals[order.network, order.carrier, order.waybill_no]) is not None:
            drafts.append(refused)
        elif isinstance(parties, GatewayError):
            drafts.append(parties)
        else:
            drafts.append(_draft(order, parties, waybill_id, receipt, now))
    return _routed(unit, drafts, known)


def routing_codes(unit: Unit, parcels: Sequence[tuple[str, Party]], known: Known) -> list[str | None]:
    """The codes that carriers sort by, by carrier and recipient."""
    return route_store.codes_of(
        unit.conn, [(carrier, known.region_of(recipient)) for carrier, recipient in parcels]
    )


def _parties(order: Order, known: Known) -> tuple[Party, Party | None] | GatewayError:
    recipient = known.party(order.recipient)
    if isinstance(recipient, GatewayError):
        return recipient
    sender = None if order.sender is None else known.party(order.sender)
    return sender if isinstance(sender, GatewayError) else (recipient, sender)


def _draft(
    order: Order, parties: tuple[Party, Party | None], waybill_id: UUID, receipt: str, now: datetime
) -> Waybill:
    recipient, sender = parties
    return Waybill(
        id=waybill_id,
        waybill_no=order.waybill_no or "",
        network=order.network,
        carrier=order.carrier,
        orders=() if order.order is None else (order.order,),
        state=State.CREATED,
        recipient=recipient,
        sender=sender,
        courier=None,
        station=None,
        deliver_by=None,
        receipt_code=f"rc_{receipt}",
        created_at=now,
        updated_at=now,
    )


def _routed(unit: Unit, drafts: Drafts, known: Known) -> Drafts:
    parcels = [(draft.carrier, draft.recipient) for draft in drafts if isinstance(draft, Waybill)]
    codes = iter(routing_codes(unit, parcels, known))
    return [
        replace(draft, routing_code=code)
        if isinstance(draft, Waybill) and (code := next(codes)) is not None
        else draft
        for draft in drafts
    ]
