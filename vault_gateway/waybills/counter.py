"""At a pick-up station: the parcels that wait there for whoever says the last four digits of their phone."""

from __future__ import annotations

from dataclasses import replace

from vault_gateway.access.resources import counter
from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Ledger, refused
from vault_gateway.errors import GatewayError, not_found
from vault_gateway.limits import Limits
from vault_gateway.model import SLUG, Caller, Clock
from vault_gateway.waybills.lists import read_behind_walls
from vault_gateway.waybills.store.lists import find_at_counter
from vault_gateway.waybills.views import Shown

# More parcels than this wait for nobody: the answer then says only that there are more.
MOST_FOUND = 100
# People come all day. Digits that no parcel has are a slip of the tongue now and then, or somebody who tries them out.
_SEARCHES = "1200/hour"
_MISSES = ("60/hour", "240/day")


class CounterService:
    def __init__(self, ledger: Ledger, limits: Limits, clock: Clock) -> None:
        self._ledger = ledger
        self._limits = limits
        self._clock = clock

    def search(self, caller: Caller, station: str, last4: str) -> tuple[list[Shown], bool]:
        """Masked views, newest first, and whether there are more; 404 for a station that is not the caller's own,
        429 once its searches or its misses are used up. Each search is an event."""
        carrier = caller.principal.carrier or "-"
        known = SLUG.fullmatch(station) is not None
        event = Event("parcel.search", carrier=caller.principal.carrier, station=station if known else None)
        policies = self._ledger.require(
            caller, event, counter(carrier, station if known else "-"), not_found()
        )
        event = replace(event, policies=policies)
        place = f"{carrier}/{station}"
        self._spend(caller, event, place)
        missed = False
        try:
            with self._ledger.open(caller) as unit:
                found = find_at_counter(unit.conn, carrier, station, last4, MOST_FOUND + 1)
                # Before a tenant is entered: the event is the station's, whoever's parcels are found.
                unit.record(replace(event, detail={"found": len(found)}))
                shown = read_behind_walls(unit, found[:MOST_FOUND], self._clock())
            missed = not found
        finally:
            if not missed:
                for rate in _MISSES:
                    self._limits.give_back("counter-miss", rate, place)
        return shown, len(found) > MOST_FOUND

    def _spend(self, caller: Caller, event: Event, place: str) -> None:
        """A miss is counted before it is one, so that many searches at once get no more of them."""
        try:
            for rate in _MISSES:
                self._limits.spend("counter-miss", rate, place)
            self._limits.spend("counter", _SEARCHES, place)
        except GatewayError as error:
            if error.code != "rate_limited":
                raise
            with self._ledger.open(caller):
                raise refused(event, error, reason="rate_limited") from None
