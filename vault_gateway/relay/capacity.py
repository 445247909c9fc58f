"""How full the pool is, and when it will be: counted once a minute, however often somebody asks."""

from __future__ import annotations

import threading
import time
from typing import Any

from vault_gateway import metrics
from vault_gateway.access.resources import relay_pool
from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Ledger
from vault_gateway.database import Connection
from vault_gateway.errors import not_allowed
from vault_gateway.model import Caller, Clock
from vault_gateway.relay.plan import days_to_exhaustion
from vault_gateway.relay.store.counting import state_of_pool

KEPT_S = 60.0
_COUNTS = ("numbers", "capacity", "live", "cooling", "free")


class PoolService:
    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._lock = threading.Lock()
        self._counted: tuple[float, list[dict[str, Any]]] | None = None

    def view(self, caller: Caller, mode: str | None = None) -> list[dict[str, Any]]:
        """`{mode, region?, numbers, capacity, live, cooling, free, days_to_exhaustion?}` for each mode and region;
        no days while the pool does not shrink."""
        self._ledger.require(caller, Event("relay.pool"), relay_pool(), not_allowed())
        return [view for view in self._views(caller) if mode in (None, view["mode"])]

    def _views(self, caller: Caller) -> list[dict[str, Any]]:
        with self._lock:
            if self._counted is not None and time.monotonic() < self._counted[0]:
                return self._counted[1]
            with self._ledger.open(caller) as unit:
                return self._count(unit.conn)

    def measure(self, conn: Connection) -> None:
        """Counts for Prometheus."""
        with self._lock:
            self._count(conn)

    def _count(self, conn: Connection) -> list[dict[str, Any]]:
        views = [_view(row) for row in state_of_pool(conn, self._clock())]
        for view in views:
            labels = (view["mode"], view.get("region", ""))
            for name in ("live", "cooling", "free"):
                metrics.RELAY_PLACES.labels(*labels, name).set(view[name])
            metrics.RELAY_DAYS.labels(*labels).set(view.get("days_to_exhaustion", float("inf")))
        self._counted = (time.monotonic() + KEPT_S, views)
        return views


def _view(row: dict[str, Any]) -> dict[str, Any]:
    view = {"mode": row["mode"], **{name: int(row[name]) for name in _COUNTS}}
    if row["region"] is not None:
        view["region"] = row["region"]
    days = days_to_exhaustion(int(row["free"]), int(row["taken"]), int(row["freed"]))
    if days is not None:
        view["days_to_exhaustion"] = round(days, 1)
    return view
