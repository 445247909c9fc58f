"""Every parcel is counted in the transaction that makes or moves it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from vault_gateway.audit.ledger import Unit
from vault_gateway.flows import store
from vault_gateway.flows.store import Start
from vault_gateway.inforce import InForce
from vault_gateway.model import Tenant
from vault_gateway.networks.verdicts import Networks
from vault_gateway.waybills.drafting import Known
from vault_gateway.waybills.states import State
from vault_gateway.waybills.watching import Move
from vault_gateway.waybills.waybill import Waybill

# What stands for the time of a parcel that was not delivered.
UNDER_WAY = "-"
# Where a parcel without a sender comes from, and where one whose address says no region goes to.
UNKNOWN = "unknown"
# From acceptance to delivery, as the carrier tells both; each up to, not including.
TIMES = {
    "0-12h": timedelta(hours=12),
    "12-24h": timedelta(hours=24),
    "24-48h": timedelta(hours=48),
    "48-72h": timedelta(hours=72),
    "3-5d": timedelta(days=5),
    "5-7d": timedelta(days=7),
    "over-7d": timedelta.max,
}


class FlowCounter:
    """A watcher of parcels. A parcel belongs to the day it was made on, of its platform's time zone, and is counted in
    the state that it is in."""

    def __init__(self, networks: InForce[Networks]) -> None:
        self._networks = networks

    def made(self, unit: Unit, tenant: Tenant, waybills: Sequence[Waybill], known: Known) -> None:
        times = {one.created_at for one in waybills}
        days = {at: self._networks().day_of(tenant.platform, at) for at in times}
        starts = [
            Start(
                one.id,
                days[one.created_at],
                UNKNOWN if one.sender is None else _region(known.region_of(one.sender)),
                _region(known.region_of(one.recipient)),
                one.carrier,
                one.network,
            )
            for one in waybills
        ]
        if starts:
            store.begin(unit.conn, tenant, starts, (State.CREATED.value, UNDER_WAY))

    def corrected(self, unit: Unit, tenant: Tenant, waybill: Waybill, known: Known) -> None:
        destination = _region(known.region_of(waybill.recipient))
        store.redirect(unit.conn, tenant, waybill, destination, UNDER_WAY)

    def moved(self, unit: Unit, tenant: Tenant, move: Move) -> None:
        if move.before.state is move.after.state:
            return
        time = UNDER_WAY
        if move.after.state is State.DELIVERED:
            accepted = store.accepted_at(unit.conn, tenant, move.after.id)
            time = next(name for name, end in TIMES.items() if move.at - accepted < end)
        before, after = (move.before.state.value, UNDER_WAY), (move.after.state.value, time)
        store.shift(unit.conn, tenant, move.after, before, after)


def _region(region: Mapping[str, str]) -> str:
    """A province of China, else a country. No finer: in a small town a few parcels are one person's."""
    return region.get("province" if region.get("country") == "CN" else "country", UNKNOWN)
