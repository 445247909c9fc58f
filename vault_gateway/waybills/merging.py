"""Orders of one recipient in one parcel. The places of a parcel's orders in a batch are a lot; each is in one lot."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar
from uuid import UUID

from vault_gateway.access.resources import tenant_ground
from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Unit
from vault_gateway.errors import GatewayError
from vault_gateway.identity.tenants import denial
from vault_gateway.model import Kind, Tenant
from vault_gateway.tokens import store as token_store
from vault_gateway.tokens.matching import Person, groups_of, person_of
from vault_gateway.waybills.drafting import Drafts, Order
from vault_gateway.waybills.waybill import Party, Waybill

# Each event of a parcel names its orders. Those beyond go in the next parcel.
MOST_MERGED = 100

T = TypeVar("T")
Lots = Sequence[Sequence[int]]


def each_alone(orders: Sequence[Order]) -> Lots:
    return [[at] for at in range(len(orders))]


def lots_of(unit: Unit, tenant: Tenant, orders: Sequence[Order], drafts: Drafts) -> Lots:
    """Lots, by their first places, of orders that are the same in all but their references: recipient and sender by
    match, the rest to the letter. What has no draft is alone.

    It tells what match tells. So it is asked of the same policy, and told in the log as what it is.
    """
    event = Event("token.match", detail={"count": len(orders)})
    unit.require(event, tenant_ground(tenant), denial(unit.caller.principal))
    unit.record(event)
    parties = [party for one in drafts if isinstance(one, Waybill) for party in (one.recipient, one.sender)]
    tokens = {token for party in parties if party is not None for token in _three(party)}
    known = token_store.blind_indexes_of(unit.conn, tenant.id, list(tokens))
    wanted = [_wanted(known, *each) for each in zip(orders, drafts, strict=True)]
    lots = [
        group[at : at + MOST_MERGED]
        for group in groups_of(wanted)
        for at in range(0, len(group), MOST_MERGED)
    ]
    return sorted(lots + [[at] for at, one in enumerate(wanted) if one is None])


def gathered(lots: Lots, orders: Sequence[Order], drafts: Drafts) -> tuple[Sequence[Sequence[Order]], Drafts]:
    """The orders of each lot, and its draft, which is that of its first order with the references of all."""
    together = [[orders[at] for at in lot] for lot in lots]
    return together, [_of_all(drafts[lot[0]], some) for lot, some in zip(lots, together, strict=True)]


def merged_recipients(lots: Lots, drafts: Drafts, made: Drafts) -> list[tuple[UUID, UUID]]:
    """The tokens of further orders' recipients, each behind the id of the parcel that was made of its lot."""
    return [
        (parcel.id, token)
        for lot, parcel in zip(lots, made, strict=True)
        if isinstance(parcel, Waybill)
        for token in _recipients(drafts[at] for at in lot[1:]) - {*_three(parcel.recipient)}
    ]


def _recipients(drafts: Iterable[Waybill | GatewayError]) -> set[UUID]:
    return {token for draft in drafts if isinstance(draft, Waybill) for token in _three(draft.recipient)}


def among_all(asked: Sequence[Order | GatewayError], lots: Lots, made: Drafts) -> tuple[Lots, Drafts]:
    """The lots of orders, and what became of them, by their places among all that was asked for: what could not be
    read is a lot of its own, and its error what became of it."""
    places = [at for at, one in enumerate(asked) if isinstance(one, Order)]
    unread = {at: one for at, one in enumerate(asked) if isinstance(one, GatewayError)}
    lots = [[places[at] for at in lot] for lot in lots]
    return lots + [[at] for at in unread], [*made, *unread.values()]


def in_places(lots: Lots, answers: Sequence[T]) -> list[T]:
    """The answer of its lot for each order, in the places of the orders."""
    placed = {at: answer for lot, answer in zip(lots, answers, strict=True) for at in lot}
    return [placed[at] for at in range(len(placed))]


def _wanted(
    known: Mapping[UUID, tuple[Kind, bytes]], order: Order, draft: Waybill | GatewayError
) -> Hashable | None:
    """None where a token was erased a moment ago, too: nobody can say any more whose it was."""
    if isinstance(draft, GatewayError):
        return None
    recipient, sender = (_person(known, party) for party in (draft.recipient, draft.sender))
    if recipient is None or (sender is None and draft.sender is not None):
        return None
    return (order.network, order.carrier, order.waybill_no, order.branch, order.relay, recipient, sender)


def _person(known: Mapping[UUID, tuple[Kind, bytes]], party: Party | None) -> Person | None:
    return None if party is None else person_of(known, _three(party))


def _three(party: Party) -> list[UUID]:
    return [getattr(party, kind.value) for kind in Kind]


def _of_all(draft: Waybill | GatewayError, orders: Sequence[Order]) -> Waybill | GatewayError:
    if len(orders) == 1 or isinstance(draft, GatewayError):
        return draft
    references = dict.fromkeys(one.order for one in orders if one.order is not None)
    return replace(draft, orders=tuple(references))
