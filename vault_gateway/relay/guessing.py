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
from vault_gateway.limits import Limits, Rated
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


# What a try counts for.
Tries = tuple[Rated, ...]


class Guesses:
    """Wrong extensions by caller and by number. 503 where they cannot be counted."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def are_used_up(self, who: Dialler) -> bool:
        return not all(self._limits.has_left(*one) for one in self._of(who))

    def take(self, who: Dialler) -> Tries | None:
        """Taken before an extension is looked at, so that who tries many at once has no more tries than others, and a
        locked caller learns nothing by going on (None). What was no wrong extension is given back."""
        if who.anywhere is None:
            return (_hidden(who),) if self._limits.take(*_hidden(who)) else None
        taken, is_quiet = self._limits.take_and_look(_anywhere(who.anywhere), _of_number(who))
        if not taken or is_quiet:
            return (_anywhere(who.anywhere),) if taken else None
        if self._limits.take(*_here(who)):
            return _anywhere(who.anywhere), _here(who)
        self.give_back((_anywhere(who.anywhere),))
        return None

    def give_back(self, taken: Tries) -> None:
        for one in taken:
            self._limits.give_back(*one)

    def missed(self, who: Dialler, taken: Tries) -> bool:
        """It was a wrong one; True once the number has seen more of them than mistakes explain."""
        if who.anywhere is not None and _here(who) not in taken:
            self._limits.take(*_here(who))
        if self._limits.take(*_of_number(who)):
            return False
        metrics.RELAY_GUESS_ALARMS.inc()
        return True

    def _of(self, who: Dialler) -> Tries:
        if who.anywhere is None:
            return (_hidden(who),)
        is_tried = not self._limits.has_left(*_of_number(who))
        anywhere = _anywhere(who.anywhere)
        return (anywhere, _here(who)) if is_tried else (anywhere,)


def _hidden(who: Dialler) -> Rated:
    return "relay-guess-hidden", _an_hour(who.of_all(OF_ALL_WHO_HIDE)), who.number.number


def _anywhere(caller: bytes) -> Rated:
    return "relay-guess", _an_hour(OF_A_CALLER), caller.hex()


def _here(who: Dialler) -> Rated:
    return "relay-guess-here", _an_hour(OF_A_CALLER_THERE), who.here.hex()


def _of_number(who: Dialler) -> Rated:
    return "relay-guess-number", _an_hour(who.of_all(OF_A_NUMBER)), who.number.number


def _an_hour(count: int) -> str:
    return f"{count}/hour"
