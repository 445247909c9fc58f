"""Who reaches nobody hears a canned refusal."""

from __future__ import annotations

import secrets
import socket
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests import canaries
from tests.e2e.sip.scenarios import (
    assert_blind,
    is_refused,
    refused,
)
from tests.e2e.sip.sipp import (
    Phone,
    answer,
    kept_invite,
    phone,
    recv,
)
from tests.e2e.sip.switch import CALLERS_HOST, Operator, Parcel, Switch, caller_phone, free_port
from tests.pool import fresh_number


def test_who_reaches_nobody_hears_a_plain_refusal(
    operator: Operator, switch: Switch, parcel: Parcel, tmp_path: Path
) -> None:
    wrong = f"{(int(parcel.extension) + 1 + secrets.randbelow(9 * 10**5)) % 10**6:06d}"
    body = {"waybill_no": parcel.waybill_no, "mode": "extension"}
    soon = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
    expired = parcel.merchant.post("/v1/relay/bindings", {**body, "expires_at": soon}).get_json()
    cooling = parcel.merchant.post("/v1/relay/bindings", body).get_json()
    assert parcel.merchant.delete(f"/v1/relay/bindings/{cooling['binding_id']}").status_code == 204
    for name, dials, code in (
        ("stranger", parcel.number, 484),
        ("wrong", f"{parcel.number};ext={wrong}", 404),
        ("wrong-digits", f"{parcel.number}{wrong}", 404),
        ("short", f"{parcel.number};ext=47", 404),
        ("word", "front-desk", 404),
        ("not-ours", f"{fresh_number()}{parcel.extension}", 404),
        ("cooling", f"{cooling['number']};ext={cooling['extension']}", 410),
        ("expired", f"{expired['number']};ext={expired['extension']}", 410),
    ):
        while name == "expired" and datetime.now(UTC) <= datetime.fromisoformat(soon):
            time.sleep(0.1)
        saw = refused(switch, tmp_path / name, dials, code)
        final = {start[:11] for start in saw.starts() if not start.startswith("SIP/2.0 1")}
        assert final == {f"SIP/2.0 {code}"}
        assert parcel.recipient.phone not in "".join(saw.received)


@pytest.mark.parametrize(
    ("says", "heard"),
    [
        ("302 Moved to", "480 Temporarily Unavailable"),
        ("486 Busy says", "486 Busy Here"),
        ("404 Nobody is", "480 Temporarily Unavailable"),
        ("500 Broken is", "480 Temporarily Unavailable"),
        ("401 Who is", "480 Temporarily Unavailable"),
    ],
)
def test_a_callee_who_refuses_is_heard_in_canned_words(
    operator: Operator, switch: Switch, parcel: Parcel, tmp_path: Path, says: str, heard: str
) -> None:
    me, callee = caller_phone(parcel.courier_phone), switch.callee(parcel.recipient.phone)
    dials = f"{parcel.number};ext={parcel.extension}"
    refuses = [*kept_invite(), answer(callee, says), recv("ACK")]
    with (
        phone(tmp_path / "callee", callee, refuses) as callee_saw,
        phone(
            tmp_path / "caller", me, is_refused(me, int(heard[:3])), to=switch.at, dials=dials
        ) as caller_saw,
    ):
        caller_saw.wait()
        callee_saw.wait()
    assert f"SIP/2.0 {heard}" in caller_saw.starts()
    assert_blind(callee, callee_saw, me, caller_saw)
    operator.has_records(parcel, "failed", "start")


def test_a_gateway_that_is_down_or_slow_is_a_refusal_in_time(operator: Operator, tmp_path: Path) -> None:
    with socket.socket() as silent:
        # It takes connections and never answers.
        silent.bind(("127.0.0.1", 0))
        silent.listen(64)
        slow = f"http://127.0.0.1:{silent.getsockname()[1]}"
        for name, url in (("down", "http://127.0.0.1:9"), ("slow", slow)):
            with operator.switch(url=url) as switch:
                began = time.monotonic()
                saw = refused(switch, tmp_path / name, f"{fresh_number()};ext=471123", 503)
                assert time.monotonic() - began < 10
                assert saw.starts() == ["SIP/2.0 100 Trying", "SIP/2.0 503 Service Unavailable"]


def test_nobody_but_the_trunk_is_served(switch: Switch, parcel: Parcel, tmp_path: Path) -> None:
    me = Phone(f"+86{canaries.phone()}", "127.0.0.9", free_port("127.0.0.9"), "192.0.2.9")
    dials = f"{parcel.number};ext={parcel.extension}"
    with phone(tmp_path, me, is_refused(me, 403), to=switch.at, dials=dials) as saw:
        saw.wait()
    assert saw.starts() == ["SIP/2.0 403 Forbidden"]


def test_messages_that_cannot_be_read_leave_no_trace_in_its_log(switch: Switch) -> None:
    number = canaries.phone()
    broken = [
        f"INVITE sip:{number} SIP/2.0\r\nVia: nothing\r\nFrom: {number}\r\nTo: {number}\r\nCSeq: x\r\n\r\n",
        f"SIP/2.0 1 {number}\r\nVia: SIP/2.0/UDP h;branch=1\r\nFrom: <sip:a@b>;tag=1\r\nCall-ID: {number}\r\n\r\n",
        f"{number} \udcff not SIP at all, but long enough to be looked at {number}",
    ]
    before = switch.log.read_bytes().count(b"a message was not handled")
    host, port = switch.at.split(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.bind((CALLERS_HOST, 0))
        for text in broken:
            out.sendto(text.encode("utf-8", "surrogateescape"), (host, int(port)))
    until = time.monotonic() + 10
    while switch.log.read_bytes().count(b"a message was not handled") < before + len(broken):
        assert time.monotonic() < until, switch.log.read_text()
        time.sleep(0.05)
    assert number.encode() not in switch.log.read_bytes()
