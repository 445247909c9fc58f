"""What becomes of a waybill's sheet, which fees are counted by, when the waybill is cancelled."""

from __future__ import annotations

from datetime import datetime

from vault_gateway.audit.ledger import Unit
from vault_gateway.model import Tenant
from vault_gateway.networks.issuing import SegmentIssuer
from vault_gateway.networks.store import Account
from vault_gateway.waybills.states import State
from vault_gateway.waybills.store.sheets import close_sheet, find_sheet
from vault_gateway.waybills.waybill import Waybill


def cancel_sheet(unit: Unit, tenant: Tenant, waybill: Waybill, issuer: SegmentIssuer, now: datetime) -> None:
    """A sheet that no carrier has used is not counted, and its number goes back into its segment, as far as the
    network's rule lets it. `waybill` is as it was before it was cancelled."""
    sheet = find_sheet(unit.conn, tenant.id, waybill.id)
    if sheet is None:
        return
    unused = waybill.state is State.CREATED
    if sheet["segment_id"] is not None:
        account = Account(tenant.id, waybill.network, waybill.carrier, sheet["branch"])
        unused = issuer.give_back(unit.conn, account, sheet["segment_id"], sheet["serial"], unused=unused)
    close_sheet(unit.conn, tenant.id, waybill.id, counted=not unused, now=now)
