"""Telecoms that connect calls and never report them: they are told where to connect no more calls."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

from vault_gateway.audit.ledger import Ledger
from vault_gateway.model import Clock
from vault_gateway.relay.store import calls

# How long a telecom may take to report a call, and for how long one that it did not report counts.
_REPORTS_WITHIN = timedelta(minutes=15)
_OWES_SINCE = timedelta(hours=24)
_LOOKS_EVERY_S = 5.0


class Debts:
    """Asked of the database every few seconds, however many calls there are."""

    def __init__(self, ledger: Ledger, clock: Clock, at_most: int) -> None:
        self._ledger = ledger
        self._clock = clock
        self._at_most = at_most
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[float, bool]] = {}

    def too_many(self, telecom: str) -> bool:
        asked = time.monotonic()
        with self._lock:
            seen = self._seen.get(telecom)
        if seen is not None and asked < seen[0]:
            return seen[1]
        now = self._clock()
        with self._ledger.look() as conn:
            owed = calls.unrecorded(
                conn, telecom, now - _OWES_SINCE, now - _REPORTS_WITHIN, self._at_most + 1
            )
        with self._lock:
            self._seen[telecom] = (asked + _LOOKS_EVERY_S, owed > self._at_most)
        return owed > self._at_most
