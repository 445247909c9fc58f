"""Sound through `--media`: real packets of both phones, by way of the relay alone."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.sip.scenarios import answers, assert_blind, calls, is_hung_up_on, is_refused
from tests.e2e.sip.sipp import Phone, Seen, answer, phone, recv, request
from tests.e2e.sip.switch import OWN_HOST, Operator, Parcel, caller_phone, free_port

Address = tuple[str, int]
Heard = tuple[bytes, str]


@contextmanager
def speaker(host: str) -> Iterator[socket.socket]:
    """Where a phone's sound comes from and goes to."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sound:
        sound.bind((host, 0))
        sound.settimeout(0.1)
        yield sound


def with_sound(phone_: Phone, sound: socket.socket) -> Phone:
    host, port = sound.getsockname()
    return replace(phone_, media=host, media_port=port)


def told(messages: list[str], beginning: str) -> list[Address]:
    """Where to send sound, by the SDP of each message that begins so."""
    found = []
    for text in messages:
        if text.startswith(beginning) and (port := re.search(r"^m=audio ([0-9]+)", text, re.MULTILINE)):
            [address] = set(re.findall(r"^c=IN IP4 (\S+)", text, re.MULTILINE))
            found.append((address, int(port[1])))
    return found


def packet(payload: bytes, number: int) -> bytes:
    """RTP (RFC 3550) of G.711."""
    return (
        bytes([0x80, 8])
        + number.to_bytes(2)
        + (160 * number).to_bytes(4)
        + b"\x01\x02\x03\x04"
        + payload * 160
    )


def hears(sound: socket.socket) -> set[Heard]:
    """What came in, and from where."""
    heard = set()
    try:
        while True:
            data, (host, _) = sound.recvfrom(2048)
            heard.add((data[12:13], host))
    except TimeoutError:
        return heard


def wait_for_sdp(saw: Seen, beginning: str, count: int = 1) -> Address:
    until = time.monotonic() + 20
    while len(found := told(saw.received, beginning)) < count:
        assert time.monotonic() < until, saw.starts()
        time.sleep(0.05)
    return found[-1]


def test_sound_goes_through_the_relay_and_no_stranger_is_heard(
    operator: Operator, parcel: Parcel, tmp_path: Path
) -> None:
    dials = f"{parcel.number};ext={parcel.extension}"
    with ExitStack() as stack:
        switch = stack.enter_context(operator.switch(options=["--media", OWN_HOST]))
        a, b, stranger = (stack.enter_context(speaker(f"127.0.0.{n}")) for n in (4, 5, 6))
        me = with_sound(caller_phone(parcel.courier_phone), a)
        callee = with_sound(switch.callee(parcel.recipient.phone), b)
        holds = [
            request(me, "INVITE", 2, body=me.sdp("sendonly")),
            recv("100", optional=True),
            recv("200"),
            request(me, "ACK", 2),
        ]
        is_held = [
            recv("INVITE"),
            answer(callee, "200 OK", body=callee.sdp("recvonly"), within=True),
            recv("ACK"),
        ]
        callee_saw = stack.enter_context(
            phone(tmp_path / "to", callee, answers(callee, *is_held, *is_hung_up_on(callee)))
        )
        caller_saw = stack.enter_context(
            phone(tmp_path / "from", me, calls(me, *holds, *is_hung_up_on(me)), to=switch.at, dials=dials)
        )
        to_a = wait_for_sdp(callee_saw, "INVITE", 2)
        to_b = wait_for_sdp(caller_saw, "SIP/2.0 200", 2)
        assert to_a[0] == to_b[0] == OWN_HOST
        heard_a: set[Heard] = set()
        heard_b: set[Heard] = set()
        until = time.monotonic() + 20
        for number in range(1000):
            stranger.sendto(packet(b"s", number), to_a)
            stranger.sendto(packet(b"s", number), to_b)
            a.sendto(packet(b"a", number), to_b)
            b.sendto(packet(b"b", number), to_a)
            heard_a, heard_b = heard_a | hears(a), heard_b | hears(b)
            if heard_a and heard_b:
                break
            assert time.monotonic() < until, (heard_a, heard_b)
        assert heard_a | hears(a) == {(b"b", OWN_HOST)}
        assert heard_b | hears(b) == {(b"a", OWN_HOST)}
        assert hears(stranger) == set()
        switch.process.terminate()
        caller_saw.wait()
        callee_saw.wait()
    assert_blind(callee, callee_saw, me, caller_saw)
    # Nor does any message name the other's sound.
    for saw, other in ((callee_saw, me), (caller_saw, callee)):
        assert other.media not in "".join(saw.received)
    assert "a=sendonly" in [text for text in callee_saw.received if text.startswith("INVITE")][1]
    operator.has_records(parcel, "answer", "end", "ring", "start")
    assert len(operator.records_now(parcel)) == 1


def test_sound_that_cannot_go_through_the_relay_does_not_go_past_it(
    operator: Operator, parcel: Parcel, tmp_path: Path
) -> None:
    """The relay speaks IPv4: who offers IPv6 alone is refused before anybody is asked."""
    me = replace(caller_phone(parcel.courier_phone), media="2001:db8::21")
    dials = f"{parcel.number};ext={parcel.extension}"
    with operator.switch(options=["--media", OWN_HOST]) as switch:
        callee = switch.callee(parcel.recipient.phone)
        with phone(tmp_path / "to", callee, answers(callee)) as callee_saw:
            with phone(tmp_path / "from", me, is_refused(me, 488), to=switch.at, dials=dials) as caller_saw:
                caller_saw.wait()
            assert callee_saw.received == []
    assert operator.records_now(parcel) == []


@pytest.mark.parametrize(
    ("before", "media", "says"),
    [
        ("", "192.0.2.77", "sound cannot go through 192.0.2.77"),
        ("sys.modules['rtp.io'] = None; ", OWN_HOST, "--media needs the package rtp.io"),
    ],
    ids=["address of another machine", "without rtp.io"],
)
def test_where_no_sound_can_go_through_it_does_not_start(before: str, media: str, says: str) -> None:
    command = [
        sys.executable, "-c", f"import sys; {before}from vault_gateway.cli import main; main()",
        "sip", "--listen", f"{OWN_HOST}:{free_port(OWN_HOST)}", "--trunk", f"{OWN_HOST}:5060", "--media", media,
    ]  # fmt: skip
    environment = {**os.environ, "VAULT_GATEWAY_KEY": "vg_x"}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert says in ran.stderr
