"""A parcel's life: which event may follow which state."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    CREATED = "created"
    ACCEPTED = "accepted"
    IN_TRANSIT = "in_transit"
    AT_STATION = "at_station"
    OUT_FOR_DELIVERY = "out_for_delivery"
    FAILED_ATTEMPT = "failed_attempt"
    DELIVERED = "delivered"
    RETURNED = "returned"
    CANCELLED = "cancelled"


# An event is named after the state that it leads to.
EVENT_TYPES = tuple(state.value for state in State if state is not State.CREATED)

_ON_THE_WAY = frozenset({State.IN_TRANSIT, State.AT_STATION, State.OUT_FOR_DELIVERY, State.RETURNED})

NEXT: Mapping[State, frozenset[State]] = {
    State.CREATED: frozenset({State.ACCEPTED, State.CANCELLED}),
    State.ACCEPTED: _ON_THE_WAY | {State.CANCELLED},
    State.IN_TRANSIT: _ON_THE_WAY,
    # A locker or a counter hands the parcel over without a courier.
    State.AT_STATION: _ON_THE_WAY | {State.DELIVERED},
    # Again out for delivery: another courier takes over.
    State.OUT_FOR_DELIVERY: _ON_THE_WAY | {State.DELIVERED, State.FAILED_ATTEMPT},
    State.FAILED_ATTEMPT: _ON_THE_WAY,
    State.DELIVERED: frozenset(),
    State.RETURNED: frozenset(),
    State.CANCELLED: frozenset(),
}

FINAL = frozenset(state for state, following in NEXT.items() if not following)


def may_follow(state: State, event: State) -> bool:
    return event in NEXT[state]
