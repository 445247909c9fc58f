"""Who reaches whom, and neither sees the other: SIPp phones on both sides that write their number and address into
every place that SIP and SDP have, and all that each of them received."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from tests import canaries
from tests.e2e.sip.scenarios import (
    hangs_up,
    hangs_up_as_callee,
    is_hung_up_on,
    refused,
    talks,
)
from tests.e2e.sip.sipp import (
    answer,
    callee_request,
    pause,
    recv,
    request,
)
from tests.e2e.sip.switch import CALLEES_HOST, Operator, Parcel, Switch, caller_phone


@pytest.mark.parametrize("dialled", ["{number};ext={extension}", "{number}{extension}"])
def test_a_courier_reaches_the_recipient_by_extension_and_neither_sees_the_other(
    operator: Operator, switch: Switch, parcel: Parcel, tmp_path: Path, dialled: str
) -> None:
    me, callee = caller_phone(parcel.courier_phone), switch.callee(parcel.recipient.phone)
    dials = dialled.format(number=parcel.number, extension=parcel.extension)
    caller_saw, callee_saw = talks(
        switch, tmp_path, me, dials, callee, caller_then=hangs_up(me), callee_then=is_hung_up_on(callee)
    )
    assert callee_saw.starts()[0] == f"INVITE sip:{callee.number}@{CALLEES_HOST}:{callee.port} SIP/2.0"
    # The callee sees the relay number, without the extension that would reach others' parcels too.
    assert f"From: <sip:{parcel.number}@" in callee_saw.received[0]
    assert parcel.extension not in "".join(callee_saw.received)
    # Sound goes from one to the other: that is all that they know of each other.
    assert "c=IN IP4 192.0.2.21" in callee_saw.received[0]
    assert any("c=IN IP4 192.0.2.31" in text for text in caller_saw.received)
    operator.has_records(parcel, "answer", "end", "ring", "start")


def test_the_recipient_calls_back_and_the_callee_hangs_up(
    switch: Switch, parcel: Parcel, tmp_path: Path
) -> None:
    courier, recipient = parcel.courier_phone, parcel.recipient.phone
    me, callee = caller_phone(courier), switch.callee(recipient)
    talks(
        switch, tmp_path / "there", me, f"{parcel.number};ext={parcel.extension}", callee,
        caller_then=is_hung_up_on(me), callee_then=[pause(100), *hangs_up_as_callee(callee)],
    )  # fmt: skip
    me, callee = caller_phone(recipient), switch.callee(courier)
    _, callee_saw = talks(
        switch, tmp_path / "back", me, parcel.number, callee,
        caller_then=is_hung_up_on(me), callee_then=[pause(100), *hangs_up_as_callee(callee)],
    )  # fmt: skip
    assert callee_saw.starts()[0] == f"INVITE sip:+86{courier}@{CALLEES_HOST}:{callee.port} SIP/2.0"


def test_a_pair_talks_both_ways_and_a_stranger_is_refused(
    switch: Switch, parcel: Parcel, tmp_path: Path
) -> None:
    made = parcel.courier.post("/v1/relay/bindings", {"waybill_no": parcel.waybill_no, "mode": "axb"})
    assert made.status_code == 201, made.text
    number = made.get_json()["number"]
    for caller, called in (
        (parcel.courier_phone, parcel.recipient.phone),
        (parcel.recipient.phone, parcel.courier_phone),
    ):
        me, callee = caller_phone(caller), switch.callee(called)
        talks(
            switch, tmp_path / caller, me, number, callee,
            caller_then=hangs_up(me), callee_then=is_hung_up_on(callee),
        )  # fmt: skip
    assert "SIP/2.0 403 Forbidden" in refused(switch, tmp_path / "stranger", number, 403).starts()


def test_re_invites_go_both_ways_and_the_body_of_an_info_does_not(
    switch: Switch, parcel: Parcel, tmp_path: Path
) -> None:
    me, callee = caller_phone(parcel.courier_phone), switch.callee(parcel.recipient.phone)
    asked = callee_request(callee, "INVITE", 2, body=callee.sdp("recvonly"))
    caller_saw, callee_saw = talks(
        switch,
        tmp_path,
        me,
        f"{parcel.number};ext={parcel.extension}",
        callee,
        caller_then=[
            pause(50),
            request(me, "INVITE", 2, body=me.sdp("sendonly")),
            recv("100", optional=True),
            recv("200"),
            request(me, "ACK", 2),
            request(me, "INFO", 3, body=f"Signal={me.number}\n"),
            recv("200", contact=False),
            request(me, "REFER", 4),
            recv("405"),
            recv("INVITE"),
            answer(me, "200 OK", body=me.sdp("sendrecv"), within=True),
            recv("ACK"),
            *hangs_up(me, 5),
        ],
        callee_then=[
            recv("INVITE"),
            answer(callee, "200 OK", body=callee.sdp("recvonly"), within=True),
            recv("ACK"),
            pause(400),
            asked.replace("recvonly", "sendrecv"),
            recv("100", optional=True),
            recv("200"),
            callee_request(callee, "ACK", 2),
            *is_hung_up_on(callee),
        ],
    )
    invites = [text for text in callee_saw.received if text.startswith("INVITE")]
    assert len(invites) == 2
    assert "a=sendonly" in invites[1]
    # The origin stays, its version grows (RFC 3264).
    origins = [next(line for line in text.splitlines() if line.startswith("o=")).split() for text in invites]
    assert (origins[0][1], origins[0][2], origins[1][2]) == (origins[1][1], "1", "2")
    assert not [text for text in callee_saw.received if text.startswith(("INFO", "REFER"))]
    assert len([text for text in caller_saw.received if text.startswith("INVITE")]) == 1


def test_the_extension_of_a_virtual_number_is_dialled_where_the_trunk_can(
    operator: Operator, switch: Switch, tmp_path: Path
) -> None:
    """Else the call is refused and counts as failed: nobody but us could answer the voice that asks for it."""
    number, extension = canaries.phone(), f"{secrets.randbelow(10_000):04d}"
    parcel = operator.parcel(canaries.plant(f"{number}-{extension}"))
    dials = f"{parcel.number};ext={parcel.extension}"
    refused(switch, tmp_path / "cannot", dials, 480, number=parcel.courier_phone)
    operator.has_records(parcel, "failed")
    assert len(operator.records_now(parcel)) == 1
    with operator.switch(options=["--dial-extensions"]) as able:
        me, callee = caller_phone(parcel.courier_phone), able.callee(number)
        _, callee_saw = talks(
            able, tmp_path / "can", me, dials, callee,
            caller_then=hangs_up(me), callee_then=is_hung_up_on(callee),
        )  # fmt: skip
        start = f"INVITE sip:+86{number};ext={extension}@{CALLEES_HOST}:{callee.port} SIP/2.0"
        assert callee_saw.starts()[0] == start
    operator.has_records(parcel, "answer", "end", "ring", "start")
