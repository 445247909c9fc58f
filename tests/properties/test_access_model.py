"""The policies against a model written by hand: who reads a parcel, and who reveals its recipient when."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.access_worlds import Question, principals, questions, resources
from tests.unit.access.shipped import policies
from vault_gateway.access import Access
from vault_gateway.model import Principal, Role

SHIPPED = Access(policies())
REVEAL = ("reveal.issue", "reveal.claim")
COURIERS_AND_STATIONS = st.sampled_from([Role.COURIER, Role.STATION])


def may_reveal(question: Question) -> bool:
    who, parcel, context = question.principal, question.resource.attributes, question.context
    if who.role is Role.COURIER:
        return (
            not who.suspended
            and context["purpose"] in ("deliver", "contact")
            and parcel["carrier"] == who.carrier
            and parcel.get("courier") == who.handle
            and parcel["state"] == "out_for_delivery"
            and "deliver_by" in parcel
            and int(context["now"]) <= int(parcel["deliver_by"])
        )
    if who.role is Role.STATION:
        return (
            context["purpose"] == "sort"
            and parcel["carrier"] == who.carrier
            and parcel.get("station") == who.station
            and parcel["state"] == "at_station"
        )
    return False


def may_read(question: Question) -> bool:
    who, parcel = question.principal, question.resource.attributes
    of_carrier = parcel["carrier"] == who.carrier
    return {
        Role.PLATFORM: parcel["platform"] == who.platform,
        Role.MERCHANT: (parcel["platform"], parcel["merchant"]) == (who.platform, who.merchant),
        Role.CARRIER: of_carrier,
        Role.STATION: of_carrier and parcel.get("station") == who.station,
        Role.COURIER: of_carrier and parcel.get("courier") == who.handle,
    }.get(who.role, False)


def reason(question: Question) -> str | None:
    """Which rule is in the way, where one is: the code that a courier or a station gets."""
    parcel, now = question.resource.attributes, int(question.context["now"])
    if question.principal.role is Role.COURIER:
        if question.principal.suspended:
            return "courier_suspended"
        if parcel["state"] != "out_for_delivery":
            return "not_out_for_delivery"
        return None if now <= int(parcel.get("deliver_by", -1)) else "delivery_window_over"
    if question.principal.role is Role.STATION and parcel["state"] != "at_station":
        return "not_at_station"
    return None


@st.composite
def reveals(draw: st.DrawFn) -> Question:
    """A courier or a station that is close to the parcel: half of all conditions are met by intention."""
    asked = draw(questions(REVEAL))
    who: Principal = draw(principals(COURIERS_AND_STATIONS))
    parcel = dict(draw(resources("Waybill")).attributes)
    close = draw(st.sets(st.sampled_from(["carrier", "place", "state", "purpose", "window"]), min_size=3))
    courier = who.role is Role.COURIER
    if "carrier" in close:
        parcel["carrier"] = str(who.carrier)
    if "place" in close:
        parcel["courier" if courier else "station"] = str(who.handle if courier else who.station)
    if "state" in close:
        parcel["state"] = "out_for_delivery" if courier else "at_station"
    context = dict(asked.context)
    if "purpose" in close:
        context["purpose"] = draw(st.sampled_from(["deliver", "contact"])) if courier else "sort"
    if "window" in close:
        # At the edge: the second before, the last one, the one after.
        parcel["deliver_by"] = int(context["now"]) + draw(st.integers(-1, 1))
    resource = type(asked.resource)("Waybill", "r", parcel)
    return Question(who, asked.action, resource, context)


@settings(max_examples=1500, deadline=None)
@given(question=reveals() | questions(REVEAL))
def test_who_reveals_when_is_what_the_model_says(question: Question) -> None:
    decision = question.put_to(SHIPPED)

    assert not decision.fault
    assert decision.allowed == may_reveal(question)
    assert decision.reason == reason(question)


@settings(max_examples=800, deadline=None)
@given(question=questions(("waybill.read",)))
def test_who_reads_a_parcel_is_what_the_model_says(question: Question) -> None:
    assert question.put_to(SHIPPED).allowed == may_read(question)


def test_the_worlds_hold_enough_of_both_answers() -> None:
    seen: Counter[tuple[Role, bool]] = Counter()

    @settings(max_examples=400, deadline=None, database=None)
    @given(question=reveals())
    def count(question: Question) -> None:
        seen[question.principal.role, may_reveal(question)] += 1

    count()
    assert all(
        seen[role, answer] >= 10 for role in (Role.COURIER, Role.STATION) for answer in (True, False)
    ), seen
