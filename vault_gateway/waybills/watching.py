"""Who hears of a parcel: rooms that count it or tell of it, each in the very transaction that made or moved it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from vault_gateway.audit.ledger import Unit
from vault_gateway.model import Tenant
from vault_gateway.waybills.drafting import Known
from vault_gateway.waybills.waybill import Waybill


@dataclass(frozen=True, slots=True)
class Move:
    """`at` is when it happened, as the carrier says; `after.updated_at` is when it was recorded."""

    event_id: UUID
    before: Waybill
    after: Waybill
    at: datetime


class Watcher(Protocol):
    """The wall stands open for `tenant`, and the parcel's row is locked until the transaction ends. `known` has the
    tokens of the parcels, or those of the new recipient."""

    def made(self, unit: Unit, tenant: Tenant, waybills: Sequence[Waybill], known: Known, /) -> None: ...

    def corrected(self, unit: Unit, tenant: Tenant, waybill: Waybill, known: Known, /) -> None: ...

    def moved(self, unit: Unit, tenant: Tenant, move: Move) -> None: ...
