"""What a waybill is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from vault_gateway.waybills.states import State


@dataclass(frozen=True, slots=True)
class Party:
    """Tokens of a recipient or a sender."""

    name: UUID
    phone: UUID
    address: UUID


@dataclass(frozen=True, slots=True)
class Waybill:
    id: UUID
    waybill_no: str
    network: str
    carrier: str
    # The references of the orders in it: none, one, or those that were merged into it.
    orders: tuple[str, ...]
    state: State
    recipient: Party
    sender: Party | None
    courier: str | None
    station: str | None
    deliver_by: datetime | None
    receipt_code: str
    created_at: datetime
    updated_at: datetime
    routing_code: str | None = None
