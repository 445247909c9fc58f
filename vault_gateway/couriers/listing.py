"""Who a carrier's couriers are, and which of them the alarm suspended."""

from __future__ import annotations

from typing import Any

from vault_gateway.access.resources import fleet
from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Ledger
from vault_gateway.couriers import store
from vault_gateway.database import Row
from vault_gateway.errors import GatewayError, not_allowed
from vault_gateway.model import Caller, rfc3339


class CourierList:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def find(
        self, caller: Caller, carrier: str | None, *, suspended: bool | None, after: str, limit: int
    ) -> tuple[list[Row], str | None]:
        """Of the caller's carrier, or for an operator of the one that is named, by handle; and the handle after which
        the next page goes on."""
        carrier = carrier or caller.principal.carrier
        if carrier is None:
            raise GatewayError("carrier_required", 422, "An operator names the couriers' carrier.")
        self._ledger.require(caller, Event("courier.list", carrier=carrier), fleet(carrier), not_allowed())
        with self._ledger.open(caller) as unit:
            rows = store.list_couriers(
                unit.conn, carrier, suspended=suspended, after=(carrier, after), limit=limit + 1
            )
        return rows[:limit], rows[limit - 1]["handle"] if len(rows) > limit else None


def view_of(row: Row) -> dict[str, Any]:
    """`{handle, station?, suspended, suspended_at?, suspended_for?}`."""
    view: dict[str, Any] = {"handle": row["handle"], "suspended": row["suspended_at"] is not None}
    if row["station"] is not None:
        view["station"] = row["station"]
    if row["suspended_at"] is not None:
        view["suspended_at"] = rfc3339(row["suspended_at"])
        view["suspended_for"] = row["suspended_for"]
    return view
