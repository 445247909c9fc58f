"""What the two phones of a call do, step by step, and whether either saw a trace of the other."""

from __future__ import annotations

from pathlib import Path

from tests import canaries
from tests.e2e.sip.sipp import (
    Phone,
    Seen,
    answer,
    callee_request,
    kept_invite,
    pause,
    phone,
    recv,
    request,
)
from tests.e2e.sip.switch import Switch, caller_phone


def assert_blind(callee: Phone, callee_saw: Seen, caller: Phone, caller_saw: Seen) -> None:
    """Neither saw a trace of the other, though both wrote theirs everywhere."""
    assert caller_saw.received
    assert callee_saw.received
    for saw, other, other_saw in ((callee_saw, caller, caller_saw), (caller_saw, callee, callee_saw)):
        assert any(trace in "".join(other_saw.sent) for trace in other.traces)
        for text in saw.received:
            for trace in other.traces:
                assert trace not in text, text


CALLER_BEGINS = [
    recv("100", optional=True),
    recv("180", optional=True),
    recv("183", optional=True),
    recv("200"),
]


def calls(me: Phone, *then: str) -> list[str]:
    return [request(me, "INVITE", 1, body=me.sdp()), *CALLER_BEGINS, request(me, "ACK", 1), *then]


def answers(me: Phone, *then: str) -> list[str]:
    return [
        *kept_invite(),
        answer(me, "180 Ringing"),
        pause(100),
        answer(me, "200 OK", body=me.sdp()),
        recv("ACK"),
        *then,
    ]


def is_refused(me: Phone, code: int) -> list[str]:
    refused = [
        request(me, "INVITE", 1, body=me.sdp()),
        recv("100", optional=True),
        recv("180", optional=True),
    ]
    return [*refused, recv(str(code)), request(me, "ACK", 1)]


def hangs_up(me: Phone, cseq: int = 2) -> list[str]:
    return [request(me, "BYE", cseq), recv("200")]


def is_hung_up_on(me: Phone) -> list[str]:
    return [recv("BYE"), answer(me, "200 OK", within=True)]


def refused(switch: Switch, folder: Path, dials: str, code: int, *, number: str | None = None) -> Seen:
    """A call that nobody gets; what the caller saw."""
    me = caller_phone(number or canaries.phone())
    with phone(folder, me, is_refused(me, code), to=switch.at, dials=dials) as saw:
        saw.wait()
    return saw


def talks(
    switch: Switch,
    folder: Path,
    me: Phone,
    dials: str,
    callee: Phone,
    *,
    caller_then: list[str],
    callee_then: list[str],
) -> tuple[Seen, Seen]:
    with (
        phone(folder / "callee", callee, answers(callee, *callee_then)) as callee_saw,
        phone(folder / "caller", me, calls(me, *caller_then), to=switch.at, dials=dials) as caller_saw,
    ):
        caller_saw.wait()
        callee_saw.wait()
    assert_blind(callee, callee_saw, me, caller_saw)
    return caller_saw, callee_saw


def hangs_up_as_callee(me: Phone) -> list[str]:
    return [callee_request(me, "BYE", 2), recv("200")]


def rings_until_cancelled(me: Phone) -> list[str]:
    return [
        *kept_invite(),
        answer(me, "180 Ringing"),
        recv("CANCEL"),
        answer(me, "200 OK", within=True),
        _final_487(me),
        recv("ACK"),
    ]


def _final_487(me: Phone) -> str:
    return (
        answer(me, "487 Request Terminated")
        .replace("[last_CSeq:]", "CSeq: [$4]")
        .replace("[last_Via:]", "Via: [$5]")
    )
