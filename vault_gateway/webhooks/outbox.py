"""From what happens to a parcel to what its owners are told: number, state and time, nothing of a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import orjson

from vault_gateway.audit.ledger import Unit
from vault_gateway.ids import base32
from vault_gateway.model import Clock, Tenant, rfc3339
from vault_gateway.waybills.drafting import Known
from vault_gateway.waybills.states import State
from vault_gateway.waybills.watching import Move
from vault_gateway.waybills.waybill import Waybill
from vault_gateway.webhooks import store
from vault_gateway.webhooks.store import Told

EVENT_PREFIX = "ev_"


class Outbox:
    """A watcher of parcels."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def made(self, unit: Unit, tenant: Tenant, waybills: Sequence[Waybill], _known: Known) -> None:
        if not waybills or not store.anybody_listens(unit.conn, tenant):
            return
        # The first event of a parcel has the parcel's own id, for there is one a parcel.
        told = [_told(tenant, waybill, waybill.id, waybill.created_at) for waybill in waybills]
        store.put(unit.conn, tenant, told, self._clock())

    def corrected(self, unit: Unit, tenant: Tenant, waybill: Waybill, _known: Known) -> None:
        """Who corrects knows it already, and the recipient is nobody else's."""

    def moved(self, unit: Unit, tenant: Tenant, move: Move) -> None:
        store.put(unit.conn, tenant, [_told(tenant, move.after, move.event_id, move.at)], self._clock())


def _told(tenant: Tenant, waybill: Waybill, event_id: UUID, at: datetime) -> Told:
    state: State = waybill.state
    body = {
        "id": EVENT_PREFIX + base32(event_id),
        "type": state.value,
        "time": rfc3339(at),
        "waybill_no": waybill.waybill_no,
        "network": waybill.network,
        "carrier": waybill.carrier,
        "merchant": tenant.merchant,
    }
    return Told(event_id, waybill.id, state.value, orjson.dumps(body).decode())
