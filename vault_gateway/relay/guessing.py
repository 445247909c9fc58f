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

from collections.abc import Callable
from dataclasses import dataclass

from vault_gateway import metrics
from vault_gateway.errors import GatewayError
from vault_gateway.limits import Limits
from vault_gateway.relay.store.pool import RelayNumber

# Wrong extensions in an hour. Of a caller, and on a number that is being tried out:
OF_A_CALLER, OF_A_CALLER_THERE = 10, 3
# Of all on a number, and of all there who hide theirs: well beyond the mistakes of those who call the hundred thousand
# parcels that a number with six digits serves, and in proportion where longer extensions serve more.
OF_A_NUMBER, OF_ALL_WHO_HIDE = 100, 20
_SIX_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Dialler:
    """Who dials on a relay number. `here` and `anywhere` are the caller's digests, on this number and on any;
    `anywhere` is None for a caller who hides."""

    number: RelayNumber
    here: bytes
    anywhere: bytes | None

    def of_all(self, count: int) -> int:
        """So many of all callers on this number, by how many parcels it serves."""
        return count * int(10 ** max(0, self.number.digits - _SIX_DIGITS))


class Guesses:
    """Wrong extensions by caller and by number. 503 where they cannot be counted."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def are_used_up(self, who: Dialler) -> bool:
        """Asked before an extension is looked at, so that a locked caller learns nothing by going on."""
        number = who.number.number
        if who.anywhere is None:
            return not self._left("relay-guess-hidden", who.of_all(OF_ALL_WHO_HIDE), number)
        if not self._left("relay-guess", OF_A_CALLER, who.anywhere.hex()):
            return True
        is_tried = not self._left("relay-guess-number", who.of_all(OF_A_NUMBER), number)
        return is_tried and not self._left("relay-guess-here", OF_A_CALLER_THERE, who.here.hex())

    def count(self, who: Dialler) -> bool:
        """Counts a wrong extension; True once the number has seen more of them than mistakes explain."""
        number = who.number.number
        if who.anywhere is None:
            self._spend("relay-guess-hidden", who.of_all(OF_ALL_WHO_HIDE), number)
        else:
            self._spend("relay-guess", OF_A_CALLER, who.anywhere.hex())
            self._spend("relay-guess-here", OF_A_CALLER_THERE, who.here.hex())
        if self._spend("relay-guess-number", who.of_all(OF_A_NUMBER), number):
            return False
        metrics.RELAY_GUESS_ALARMS.inc()
        return True

    def _left(self, name: str, count: int, who: str) -> bool:
        return self._ask(self._limits.require_left, name, count, who)

    def _spend(self, name: str, count: int, who: str) -> bool:
        """False where it was used up already."""
        return self._ask(self._limits.spend, name, count, who)

    def _ask(self, limit: Callable[[str, str, str], object], name: str, count: int, who: str) -> bool:
        try:
            limit(name, f"{count}/hour", who)
        except GatewayError as error:
            if error.code != "rate_limited":
                raise
            return False
        return True
