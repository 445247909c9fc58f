"""The waybills room's front: one method for each thing that a caller may ask for."""

from __future__ import annotations

from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Ledger
from vault_gateway.model import Caller, Clock
from vault_gateway.waybills.creating import WaybillMaker
from vault_gateway.waybills.finding import find
from vault_gateway.waybills.moving import WaybillMover
from vault_gateway.waybills.showing import show
from vault_gateway.waybills.views import Shown


class WaybillService:
    def __init__(self, ledger: Ledger, maker: WaybillMaker, mover: WaybillMover, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self.create = maker.create
        self.cancel = mover.cancel
        self.correct = mover.correct
        self.carrier_event = mover.carrier_event

    def view(self, caller: Caller, waybill_no: str) -> Shown:
        """A waybill's masked view; the 404 of an unknown number for whoever may not see it."""
        with self._ledger.open(caller) as unit:
            tenant, waybill, _ = find(unit, waybill_no, Event("waybill.read"))
            return show(unit, tenant, [waybill], self._clock())[0]
