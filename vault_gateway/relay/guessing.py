"""Strangers who try extensions out: who of them is locked, and which number is being tried.

The lock is on the caller and never on a number or a parcel: else whoever is willing to dial wrong numbers could shut
anybody's line. A number that many wrong extensions are dialled on rings an alarm, and each of its callers has fewer
tries from then on: that is all that a stranger can do to others there. Who has a label dials the right extension, or
errs once or twice, and is connected, whatever was dialled on that number before.

Who hides the number can be told from nobody else who does. All of them on one relay number share its tries, and when
those are used up they have to show their number to be connected there; the one whom they call sees the relay number
alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from vault_gateway import metrics
from vault_gateway.errors import GatewayError
from vault_gateway.limits import Limits

OF_A_CALLER = "10/hour"
OF_A_CALLER_ON_A_TRIED_NUMBER = "3/hour"
OF_ALL_WHO_HIDE = "20/hour"
OF_A_NUMBER = "100/hour"


@dataclass(frozen=True, slots=True)
class Dialler:
    """Who dials on a relay number. `here` and `anywhere` are the caller's digests, on this number and on any;
    `anywhere` is None for a caller who hides."""

    number: str
    here: bytes
    anywhere: bytes | None


class Guesses:
    """Wrong extensions by caller and by number. 503 where they cannot be counted."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def are_used_up(self, who: Dialler) -> bool:
        """Asked before an extension is looked at, so that a locked caller learns nothing by going on."""
        if who.anywhere is None:
            return not self._left("relay-guess-hidden", OF_ALL_WHO_HIDE, who.number)
        if not self._left("relay-guess", OF_A_CALLER, who.anywhere.hex()):
            return True
        return not self._left("relay-guess-number", OF_A_NUMBER, who.number) and not self._left(
            "relay-guess-here", OF_A_CALLER_ON_A_TRIED_NUMBER, who.here.hex()
        )

    def count(self, who: Dialler) -> bool:
        """Counts a wrong extension; True once the number has seen more of them than mistakes explain."""
        if who.anywhere is None:
            self._spend("relay-guess-hidden", OF_ALL_WHO_HIDE, who.number)
        else:
            self._spend("relay-guess", OF_A_CALLER, who.anywhere.hex())
            self._spend("relay-guess-here", OF_A_CALLER_ON_A_TRIED_NUMBER, who.here.hex())
        if self._spend("relay-guess-number", OF_A_NUMBER, who.number):
            return False
        metrics.RELAY_GUESS_ALARMS.inc()
        return True

    def _left(self, name: str, rate: str, who: str) -> bool:
        try:
            self._limits.require_left(name, rate, who)
        except GatewayError as error:
            if error.code != "rate_limited":
                raise
            return False
        return True

    def _spend(self, name: str, rate: str, who: str) -> bool:
        """False where it was used up already."""
        try:
            self._limits.spend(name, rate, who)
        except GatewayError as error:
            if error.code != "rate_limited":
                raise
            return False
        return True
