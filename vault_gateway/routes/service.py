"""Replacing a carrier's table of routing codes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from vault_gateway.access.resources import fleet
from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Ledger
from vault_gateway.errors import not_allowed
from vault_gateway.idempotency import RequestKey, earlier_answer, keep_answer
from vault_gateway.model import Caller, Clock
from vault_gateway.routes import store
from vault_gateway.routes.table import read_table


@dataclass(frozen=True, slots=True)
class Replaced:
    version: int
    rows: int


class RouteService:
    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    def replace(self, caller: Caller, carrier: str, content: bytes, key: RequestKey | None) -> Replaced:
        """The whole table at once, or TableRefused and the one before stays. Parcels made from now on get its codes;
        those that have one keep it."""
        event = Event("routes.replace", carrier=carrier)
        policies = self._ledger.require(caller, event, fleet(carrier), not_allowed())
        routes = read_table(content)
        with self._ledger.open(caller) as unit:
            earlier = None if key is None else earlier_answer(unit.conn, key, self._clock)
            if earlier is not None:
                version, rows = map(int, earlier.split())
                return Replaced(version, rows)
            version = store.next_version(unit.conn, carrier, len(routes), self._clock())
            store.replace_routes(unit.conn, carrier, version, routes)
            detail: dict[str, str | int] = {"version": version, "rows": len(routes)}
            unit.record(replace(event, policies=policies, detail=detail))
            if key is not None:
                keep_answer(unit.conn, key, f"{version} {len(routes)}", self._clock)
        return Replaced(version, len(routes))
