"""Every sheet that this gateway issues is counted in the transaction that issued it, and taken off in the one that
cancelled it."""

from __future__ import annotations

from collections.abc import Sequence

from vault_gateway.audit.ledger import Unit
from vault_gateway.model import Tenant
from vault_gateway.usage import store
from vault_gateway.waybills.drafting import Known
from vault_gateway.waybills.states import State
from vault_gateway.waybills.watching import Move
from vault_gateway.waybills.waybill import Waybill


class SheetCounter:
    """A watcher of parcels."""

    def made(self, unit: Unit, tenant: Tenant, waybills: Sequence[Waybill], _known: Known) -> None:
        store.count_issued(unit.conn, tenant.id, [one.id for one in waybills])

    def corrected(self, unit: Unit, tenant: Tenant, waybill: Waybill, _known: Known) -> None:
        """It is the same sheet."""

    def moved(self, unit: Unit, tenant: Tenant, move: Move) -> None:
        if move.after.state is State.CANCELLED:
            store.count_cancelled(unit.conn, tenant.id, move.after.id)
