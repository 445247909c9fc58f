"""Calls that end otherwise than by hanging up after a talk."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.e2e.sip.gate import gate
from tests.e2e.sip.scenarios import (
    answers,
    assert_blind,
    calls,
    is_hung_up_on,
    is_refused,
    rings_until_cancelled,
    talks,
)
from tests.e2e.sip.sipp import (
    cancel,
    phone,
    recv,
    request,
)
from tests.e2e.sip.switch import Operator, Parcel, Switch, caller_phone


def test_a_caller_who_gives_up_is_no_failure(
    operator: Operator, switch: Switch, parcel: Parcel, tmp_path: Path
) -> None:
    """Otherwise a courier would unlock the phone by hanging up twice."""
    me, callee = caller_phone(parcel.courier_phone), switch.callee(parcel.recipient.phone)
    rings = rings_until_cancelled(callee)
    gives_up = [
        request(me, "INVITE", 1, body=me.sdp()),
        recv("100", optional=True),
        recv("180"),
        cancel(me),
        # The CANCEL's own answer and the INVITE's are two transactions (RFC 3261, 9.1): UDP brings either first.
        recv("200", optional=True),
        recv("487"),
        request(me, "ACK", 1),
    ]
    dials = f"{parcel.number};ext={parcel.extension}"
    with (
        phone(tmp_path / "callee", callee, rings) as callee_saw,
        phone(tmp_path / "caller", me, gives_up, to=switch.at, dials=dials) as caller_saw,
    ):
        caller_saw.wait()
        callee_saw.wait()
    assert_blind(callee, callee_saw, me, caller_saw)
    operator.has_records(parcel, "end", "ring", "start")


def test_a_call_ends_when_its_time_is_up(operator: Operator, parcel: Parcel, tmp_path: Path) -> None:
    with operator.switch(options=["--max-seconds", "1"]) as switch:
        me, callee = caller_phone(parcel.courier_phone), switch.callee(parcel.recipient.phone)
        began = time.monotonic()
        talks(
            switch, tmp_path, me, f"{parcel.number};ext={parcel.extension}", callee,
            caller_then=is_hung_up_on(me), callee_then=is_hung_up_on(callee),
        )  # fmt: skip
        assert time.monotonic() - began < 10
    operator.has_records(parcel, "answer", "end", "ring", "start")


def test_a_call_that_rings_at_sigterm_is_refused_and_cancelled(
    operator: Operator, parcel: Parcel, tmp_path: Path
) -> None:
    me, dials = caller_phone(parcel.courier_phone), f"{parcel.number};ext={parcel.extension}"
    with operator.switch() as switch:
        callee = switch.callee(parcel.recipient.phone)
        with (
            phone(tmp_path / "callee", callee, rings_until_cancelled(callee)) as callee_saw,
            phone(tmp_path / "caller", me, is_refused(me, 503), to=switch.at, dials=dials) as caller_saw,
        ):
            operator.has_a("ring", parcel)
            switch.process.terminate()
            caller_saw.wait()
            callee_saw.wait()
        assert switch.process.wait(20) == 0
    # Nobody's failure: it unlocks nothing.
    assert operator.records_now(parcel) == [["end", "ring", "start"]]


@pytest.mark.parametrize("gateway", ["is late", "never comes back"])
def test_both_sides_are_hung_up_on_at_sigterm_and_the_records_told_late_or_said_to_be_lost(
    operator: Operator, parcel: Parcel, tmp_path: Path, gateway: str
) -> None:
    me, dials = caller_phone(parcel.courier_phone), f"{parcel.number};ext={parcel.extension}"
    with gate(operator.url) as front, operator.switch(url=front.url) as switch:
        callee = switch.callee(parcel.recipient.phone)
        with (
            phone(tmp_path / "callee", callee, answers(callee, *is_hung_up_on(callee))) as callee_saw,
            phone(
                tmp_path / "caller", me, calls(me, *is_hung_up_on(me)), to=switch.at, dials=dials
            ) as caller_saw,
        ):
            operator.has_a("answer", parcel)
            front.shut()
            switch.process.terminate()
            caller_saw.wait()
            callee_saw.wait()
        if gateway == "is late":
            front.open()
        assert switch.process.wait(20) == 0
        assert_blind(callee, callee_saw, me, caller_saw)
        lost = b"the gateway did not take" in switch.log.read_bytes()
        assert ("end" in operator.records_now(parcel)[0]) is (gateway == "is late")
        assert lost is (gateway == "never comes back")
