"""From waybills to what is shown of them: masks, and the extension that lives."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from vault_gateway.audit.ledger import Unit
from vault_gateway.model import Tenant
from vault_gateway.relay.store import bindings
from vault_gateway.tokens import store as token_store
from vault_gateway.waybills.views import Shown
from vault_gateway.waybills.waybill import Waybill


def show(
    unit: Unit,
    tenant: Tenant,
    waybills: Iterable[Waybill],
    now: datetime,
) -> list[Shown]:
    """In order."""
    waybills = list(waybills)
    views = token_store.find_views(unit.conn, tenant.id, _tokens_of(waybills))
    masks = {token: row["masked"] for token, row in views.items()}
    live = bindings.live_extensions(unit.conn, tenant.id, [waybill.id for waybill in waybills], now)
    return [Shown(waybill, masks, live.get(waybill.id)) for waybill in waybills]


def _tokens_of(waybills: Iterable[Waybill]) -> list[UUID]:
    parties = [party for w in waybills for party in (w.recipient, w.sender) if party is not None]
    return [token for party in parties for token in (party.name, party.phone, party.address)]
