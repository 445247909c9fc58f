"""Every sheet is counted in the transaction that issued it, and taken off in the one that cancelled it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date

from vault_gateway.audit.ledger import Unit
from vault_gateway.inforce import InForce
from vault_gateway.model import Tenant
from vault_gateway.networks.verdicts import Networks
from vault_gateway.usage import store
from vault_gateway.usage.store import Delta
from vault_gateway.waybills.states import State
from vault_gateway.waybills.watching import Move
from vault_gateway.waybills.waybill import Waybill


class SheetCounter:
    """A watcher of parcels. A sheet belongs to the day it was issued on, and is taken off that day when it comes back:
    so what is owed for it is what was due then."""

    def __init__(self, networks: InForce[Networks]) -> None:
        self._networks = networks

    def made(self, unit: Unit, tenant: Tenant, waybills: Sequence[Waybill]) -> None:
        issued = Counter((self._day(tenant, one), one.network, one.carrier) for one in waybills)
        if issued:
            store.add(unit.conn, tenant.id, [Delta(*key, issued=count) for key, count in issued.items()])

    def corrected(self, unit: Unit, tenant: Tenant, waybill: Waybill) -> None:
        """It is the same sheet."""

    def moved(self, unit: Unit, tenant: Tenant, move: Move) -> None:
        if move.after.state is not State.CANCELLED:
            return
        waybill = move.after
        recycled = int(store.comes_back(unit.conn, tenant.id, waybill.id))
        delta = Delta(
            self._day(tenant, waybill), waybill.network, waybill.carrier, cancelled=1, recycled=recycled
        )
        store.add(unit.conn, tenant.id, [delta])

    def _day(self, tenant: Tenant, waybill: Waybill) -> date:
        return self._networks().day_of(tenant.platform, waybill.created_at)
