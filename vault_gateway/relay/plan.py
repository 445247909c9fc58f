"""How many numbers a pool takes.

numbers = parcels a day x (days live + days of cooldown) / (ends a number can hold)

In extension mode a number holds 10^digits extensions of which at most `fill` are ever occupied: with a tenth, nine
of ten guesses find nobody. In AXB mode it holds `pairs` pairs of callers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

DIGITS = 6
FILL = 0.1
AXB_PAIRS = 200
DAYS_OF_COOLDOWN = 30


@dataclass(frozen=True, slots=True)
class Plan:
    """The terms of the formula and what they give."""

    parcels_per_day: int
    days_live: float
    days_of_cooldown: float
    ends_per_number: int

    @property
    def occupied(self) -> float:
        """Bindings that live or rest at any one time."""
        return self.parcels_per_day * (self.days_live + self.days_of_cooldown)

    @property
    def numbers(self) -> int:
        return math.ceil(self.occupied / self.ends_per_number)


def capacity(mode: str, digits: int = DIGITS, fill: float = FILL, pairs: int = AXB_PAIRS) -> int:
    """How many bindings one number may hold, live and at rest together."""
    return max(1, math.floor(10**digits * fill)) if mode == "extension" else pairs


def days_to_exhaustion(free: int, taken_in_a_day: int, freed_in_a_day: int) -> float | None:
    """At this net rate; None while the pool does not shrink."""
    net = taken_in_a_day - freed_in_a_day
    return free / net if net > 0 else None
