"""Lists of waybills: a merchant's own, or a carrier's parcels over all merchants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from vault_gateway.access.resources import fleet, tenant_ground
from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Ledger, Unit
from vault_gateway.errors import not_allowed
from vault_gateway.identity import store as identity_store
from vault_gateway.identity.tenants import denial
from vault_gateway.model import Caller, Clock, Role, Tenant
from vault_gateway.waybills.showing import show
from vault_gateway.waybills.store.lists import find_of_carrier, list_of_tenant
from vault_gateway.waybills.store.waybills import get_waybills
from vault_gateway.waybills.views import Shown


@dataclass(frozen=True, slots=True)
class Listing:
    """What a list is asked for; None asks for any."""

    state: str | None = None
    since: datetime | None = None
    order: str | None = None
    before: UUID | None = None
    limit: int = 100


class WaybillLists:
    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    def of_tenant(self, caller: Caller, tenant: Tenant, wanted: Listing) -> tuple[list[Shown], UUID | None]:
        event = Event("waybill.list")
        self._ledger.require(caller, event, tenant_ground(tenant), denial(caller.principal))
        with self._ledger.open(caller, tenant) as unit:
            found = list_of_tenant(
                unit.conn,
                tenant.id,
                state=wanted.state,
                since=wanted.since,
                order=wanted.order,
                before=wanted.before,
                limit=wanted.limit + 1,
            )
            shown = show(unit, tenant, found[: wanted.limit], self._clock())
        following = found[wanted.limit - 1].id if len(found) > wanted.limit else None
        return shown, following

    def of_fleet(self, caller: Caller, wanted: Listing) -> tuple[list[Shown], UUID | None]:
        """A carrier sees all of its parcels, a station those it holds, a courier those assigned to it."""
        principal = caller.principal
        self._ledger.require(caller, Event("fleet.list"), fleet(principal.carrier or "-"), not_allowed())
        with self._ledger.open(caller) as unit:
            found = find_of_carrier(
                unit.conn,
                principal.carrier or "-",
                courier=principal.handle if principal.role is Role.COURIER else None,
                station=principal.station if principal.role is Role.STATION else None,
                state=wanted.state,
                since=wanted.since,
                before=wanted.before,
                limit=wanted.limit + 1,
            )
            shown = read_behind_walls(unit, found[: wanted.limit], self._clock())
        following = found[wanted.limit - 1][1] if len(found) > wanted.limit else None
        return shown, following


def read_behind_walls(unit: Unit, found: Sequence[tuple[UUID, UUID]], now: datetime) -> list[Shown]:
    """Each tenant's parcels are read behind that tenant's wall, and come back in the order of `found`."""
    by_tenant: dict[UUID, list[UUID]] = {}
    for tenant_id, waybill_id in found:
        by_tenant.setdefault(tenant_id, []).append(waybill_id)
    shown: dict[UUID, Shown] = {}
    for tenant_id, ids in by_tenant.items():
        tenant = identity_store.tenant_by_id(unit.conn, tenant_id)
        assert tenant is not None, "a waybill has a tenant"
        unit.enter(tenant)
        waybills = get_waybills(unit.conn, tenant_id, ids)
        shown.update({one.waybill.id: one for one in show(unit, tenant, waybills.values(), now)})
    return [shown[waybill_id] for _, waybill_id in found if waybill_id in shown]
