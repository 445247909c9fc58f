"""Guarantee 10 by the clock: nobody can tell unknown from foreign by how long the answer takes. Statistically: the two
are asked for by turns, and neither is the slower one nearly always. Work that a busy machine hides is counted in
`test_alike.py`."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable

import pytest

from tests.functional.guarantees.asking import seconds
from tests.functional.guarantees.conftest import Grounds
from tests.functional.guarantees.ground import unknown
from tests.functional.guarantees.requests import SAMPLES, UNDER_A_KEY, Request, fill, places_of

SAMPLES_OF_EACH = 40
# The chance that one of the slower kind takes longer than one of the other: 0.5 where there is no difference. A further
# request to Vault or a few further round trips bring it near 1; forty of each are this far off by chance never.
TOLD_APART = 0.9


def chance_of_slower(one: list[float], other: list[float]) -> float:
    """Mann and Whitney's U over its greatest value."""
    pairs = [(a > b) + (a == b) / 2 for a in one for b in other]
    return statistics.fmean(pairs)


def told_apart(one: Callable[[], float], other: Callable[[], float]) -> bool:
    for _ in range(3):
        one(), other()
    pairs = [(one(), other()) for _ in range(SAMPLES_OF_EACH)]
    chance = chance_of_slower([a for a, _ in pairs], [b for _, b in pairs])
    return not 1 - TOLD_APART < chance < TOLD_APART


@pytest.mark.parametrize(
    ("name", "role", "kind"),
    [
        ("get_waybill", "merchant", "waybill"),
        ("get_waybill", "courier", "waybill"),
        ("record_event", "carrier", "waybill"),
        ("get_token", "merchant", "token"),
        ("claim_reveal", "courier", "reveal"),
        ("get_binding", "merchant", "binding"),
        ("get_break_glass", "responder", "break_glass"),
        ("get_notice", "courier", "notice"),
        ("get_event", "auditor", "event"),
    ],
)
def test_unknown_and_foreign_take_as_long(grounds: Grounds, name: str, role: str, kind: str) -> None:
    operation, who = UNDER_A_KEY[name], grounds.own.people[role]
    one = SAMPLES[name][0]
    place, *others = places_of(operation, one)
    good = {other: grounds.own.live[other.kind] for other in others}

    def asked(value: str) -> Request:
        return fill(operation, one, {**good, place: value})

    foreign = grounds.abroad.of(kind)[0]
    assert not told_apart(lambda: seconds(who, asked(unknown(kind))), lambda: seconds(who, asked(foreign)))


def test_a_difference_would_be_told() -> None:
    """One that is a tenth of what an answer takes, under noise three times as large as it."""
    noise = random.Random(1)
    quick, slow = ([base + noise.uniform(0, 3) for _ in range(SAMPLES_OF_EACH)] for base in (10, 13))
    assert chance_of_slower(slow, quick) > TOLD_APART
    assert chance_of_slower(quick, slow) < 1 - TOLD_APART
    assert 1 - TOLD_APART < chance_of_slower(quick, quick[::-1]) < TOLD_APART
