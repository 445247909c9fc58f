"""Guarantee 10: unknown, foreign, erased and expired answer alike to whoever may not see them, at every operation, for
every role: in status, headers and body, and by as many round trips to the database and requests to Vault."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from tests.functional.guarantees.asking import Meter, Work, metered, send, told
from tests.functional.guarantees.conftest import Grounds
from tests.functional.guarantees.ground import WAYBILLS, unknown
from tests.functional.guarantees.requests import SAMPLES, UNDER_A_KEY, Place, Sample, fill, places_of
from tests.functional.guarantees.values import good_values, of_role
from tests.world import Actor
from vault_gateway.documentation.operations import Operation

# A role that may see these wherever they are: to it only what is gone must look like what never was.
SEES_ALL = {
    ("responder", "waybill"),
    ("responder", "token"),
    ("responder", "break_glass_cursor"),
    ("platform", "merchant"),
    *(("operator", kind) for kind in ("reveal", "break_glass", "handle", "carrier", "platform", "merchant")),
}
# Of these everybody may know that they are: carriers deliver for all, and a number on a label is taken or not.
KNOWN_TO_ALL = {("create_waybills", "carrier"), ("create_waybills", "waybill")}
# Here something new is named: on the caller's own ground, whatever it is called elsewhere.
NAMES_SOMETHING_NEW = {
    ("create_tokens", "order"),
    ("create_tokens", "value"),
    ("create_waybills", "order"),
    ("register_courier", "handle"),
    ("route_call", "call"),
}
# What the caller had and erased is nowhere any more. A waybill that is over is still its owner's, and so is an event.
ERASED = ("token", "name", "phone", "address", "order", "handle", "webhook", "value")
KEEPS_THE_ERASED = ("list_events", "export_events")


@pytest.fixture(scope="module")
def meter() -> Iterator[Meter]:
    with metered() as meter:
        yield meter


def not_theirs(
    grounds: Grounds, role: str, operation: Operation, kind: str, *, whole: bool
) -> dict[str, str]:
    """What `role` of the own ground may not know of, by why; `whole`: not one of each, but all."""
    found: dict[str, str] = {}
    neighbours = [] if role == "platform" or role not in operation.roles else [grounds.neighbour]
    for ground in (*neighbours, grounds.abroad):
        if (role, kind) not in SEES_ALL:
            found |= _labelled("foreign", ground.of(kind), whole=whole)
        if (role, kind) not in SEES_ALL or kind in ERASED:
            found |= _labelled("foreign and gone", ground.gone.get(kind, []), whole=whole)
    if kind in ERASED and operation.name not in KEEPS_THE_ERASED:
        found |= _labelled("gone", grounds.own.gone.get(kind, []), whole=whole)
    return {label: value for label, value in found.items() if value not in grounds.own.of(kind)}


def _labelled(why: str, values: list[str], *, whole: bool) -> dict[str, str]:
    return {f"{why} {value}": value for value in (values if whole else values[:1])}


def varied(operation: Operation, one: Sample, role: str) -> list[Place]:
    """The places that are tried: of a list the last item, so that it stands beside good ones; a few of different kinds
    where the operation is not the role's, which is refused whatever it names."""
    places = places_of(operation, one)
    in_lists = {place for place in places if 0 in place.way and any(1 in other.way for other in places)}
    tried = [place for place in places if place not in in_lists]
    if role in operation.roles:
        return tried
    return list({place.kind: place for place in tried}.values())[:2]


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_what_one_may_not_see_looks_as_if_it_were_not(grounds: Grounds, meter: Meter, name: str) -> None:
    operation = UNDER_A_KEY[name]
    differ: list[str] = []
    for role, who in grounds.own.people.items():
        tried: set[tuple[object, ...]] = set()
        for number, given in enumerate(SAMPLES[name]):
            one = of_role(given, operation, role)
            places = [place for place in varied(operation, one, role) if place.way not in tried]
            tried |= {place.way for place in places}
            whole = role in operation.roles and len(places) == 1
            for place in places:
                kind = "waybill" if place.kind in WAYBILLS else place.kind
                if (name, kind) in KNOWN_TO_ALL | NAMES_SOMETHING_NEW:
                    continue
                asking = Asking(
                    meter, who, operation, one, good_values(operation, one, role, grounds.own), place
                )
                values = not_theirs(grounds, role, operation, kind, whole=whole)
                found = asking.differences(kind, values)
                differ += [f"{role}, sample {number}, {place}: {text}" for text in found]
    assert not differ, "\n".join(differ)


class Asking:
    """One request by one caller, over and over, with another value in one place."""

    def __init__(
        self,
        meter: Meter,
        who: Actor,
        operation: Operation,
        one: Sample,
        good: Mapping[Place, str],
        place: Place,
    ) -> None:
        self._meter, self._who = meter, who
        self._operation, self._sample, self._good, self._place = operation, one, good, place

    def _ask(self, value: str) -> tuple[object, Work]:
        asked = fill(self._operation, self._sample, {**self._good, self._place: value})
        work = self._meter.begin()
        return told(send(self._who, asked), value), work

    def differences(self, kind: str, values: Mapping[str, str]) -> list[str]:
        found = []
        baseline = unknown(kind)
        # What the good rest of a request may do once is done then.
        self._ask(baseline)
        answer_to_unknown, least = self._ask(baseline)
        for label, value in values.items():
            if kind.endswith("_cursor"):
                # A list goes on from there: the one beside it, which is nobody's, has the same ahead of it.
                baseline = unknown(kind, beside=value)
                answer_to_unknown, least = self._ask(baseline)
            answer, work = self._ask(value)
            if answer != answer_to_unknown:
                found.append(f"{label} answers {answer}, unknown {answer_to_unknown}")
            for _ in range(3):
                if work == least:
                    break
                # Who calls is remembered for seconds and then asked for again, which is no part of the answer.
                least, work = min(least, self._ask(baseline)[1]), min(work, self._ask(value)[1])
            if work != least:
                found.append(f"{label} takes {work}, unknown {least}")
        return found


def test_a_difference_would_be_found(grounds: Grounds, meter: Meter) -> None:
    """Its own parcel a merchant sees, and a search by value asks Vault where one by last digits does not."""
    operation, merchant, own = UNDER_A_KEY["get_waybill"], grounds.own.people["merchant"], grounds.own
    [one] = SAMPLES["get_waybill"]
    [place] = places_of(operation, one)
    found = Asking(meter, merchant, operation, one, {}, place).differences(
        "waybill", {"own": own.live["out"]}
    )
    assert [text.split()[1] for text in found] == ["answers", "takes"]
    asked = {"kind": "phone", "value": own.live["value"]}
    by_value = meter.begin()
    merchant.post("/v1/tokens/search", asked)
    by_digits = meter.begin()
    merchant.post("/v1/tokens/search", {"kind": "phone", "last4": own.live["last4"]})
    assert (by_value.vault, by_digits.vault) == (1, 0)
