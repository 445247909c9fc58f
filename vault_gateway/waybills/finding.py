"""From a number to its parcel, for those who may know that it exists."""

from __future__ import annotations

from dataclasses import replace

from vault_gateway.access import Resource
from vault_gateway.access.resources import waybill_resource
from vault_gateway.audit.event import NIL_TENANT, Event
from vault_gateway.audit.ledger import Unit, refused
from vault_gateway.database import Lock
from vault_gateway.errors import not_allowed, not_found
from vault_gateway.model import Tenant
from vault_gateway.waybills.store.numbers import Life, lives_of
from vault_gateway.waybills.store.waybills import find_waybill, get_waybill
from vault_gateway.waybills.waybill import Waybill

_NOBODYS = waybill_resource(
    Tenant("-", "-"), "-", carrier="-", state="-", courier=None, station=None, deliver_by=None
)


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


def find(
    unit: Unit, waybill_no: str, event: Event, *, action: str | None = None, lock: Lock = None
) -> tuple[Tenant, Waybill, tuple[str, ...]]:
    """Locates a number, enters its tenant and asks for `action` (the event's, where none is given) on it; the ids of
    the policies that permit come along. Unknown and foreign are one answer; whoever may read the waybill hears that
    the action is refused."""
    located = _locate(unit, waybill_no)
    if located is None:
        miss(unit, lock=lock)
        raise refused(event, not_found(), reason="unknown_waybill")
    tenant = located.tenant
    unit.enter(tenant)
    waybill = get_waybill(unit.conn, tenant.id, located.waybill_id, lock=lock)
    resource = resource_of(tenant, waybill)
    decision = unit.decide(action or event.action, resource)
    if not decision.allowed:
        readable = unit.decide("waybill.read", resource).allowed
        answer = not_allowed() if readable else not_found()
        raise refused(about(event, waybill), answer, reason="not_permitted", policies=decision.policies)
    return tenant, waybill, decision.policies


def miss(unit: Unit, *, lock: Lock = None) -> None:
    """Does for an unknown number what is done for a foreign one (see `Unit.enter_nobody`)."""
    unit.enter_nobody()
    find_waybill(unit.conn, NIL_TENANT, NIL_TENANT, lock=lock)
    for _ in ("the action", "reading"):
        unit.decide("waybill.read", _NOBODYS)


def _locate(unit: Unit, waybill_no: str) -> Life | None:
    """The parcel that is meant: the live one, or where its number had another life, the caller's own."""
    lives = lives_of(unit.conn, waybill_no)
    for life in lives if len(lives) > 1 else ():
        resource = waybill_resource(
            life.tenant,
            waybill_no,
            carrier=life.carrier,
            state=life.state,
            courier=life.courier,
            station=life.station,
            deliver_by=life.deliver_by,
        )
        if unit.decide("waybill.read", resource).allowed:
            return life
    return next(iter(lives), None)


def about(event: Event, waybill: Waybill) -> Event:
    return replace(
        event,
        waybill=waybill.waybill_no,
        orders=waybill.orders,
        carrier=waybill.carrier,
        station=waybill.station,
    )
