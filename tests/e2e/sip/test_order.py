"""A datagram that came first is answered first: on one wire none overtakes another, and the switch lets none do it."""

from __future__ import annotations

import re
import socket
import uuid

from tests.e2e.sip.switch import CALLERS_HOST, OWN_HOST, Switch

# As many as a socket's buffer surely holds, again and again.
BURST, BURSTS = 40, 6


def test_what_is_asked_first_is_answered_first(switch: Switch) -> None:
    to = (OWN_HOST, int(switch.at.rpartition(":")[2]))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trunk:
        trunk.bind((CALLERS_HOST, 0))
        trunk.settimeout(20)
        answers = []
        for burst in range(BURSTS):
            for number in range(BURST):
                trunk.sendto(_options(trunk.getsockname()[1], burst * BURST + number).encode(), to)
            answers += [trunk.recv(8192).decode() for _ in range(BURST)]
    asked = [re.search(r"^CSeq: (\d+) OPTIONS", answer, re.MULTILINE) for answer in answers]
    assert [int(found[1]) for found in asked if found] == list(range(BURST * BURSTS))


def _options(port: int, number: int) -> str:
    here = f"{CALLERS_HOST}:{port}"
    lines = [
        f"OPTIONS sip:{OWN_HOST} SIP/2.0",
        f"Via: SIP/2.0/UDP {here};branch=z9hG4bK{uuid.uuid4().hex}",
        f"From: <sip:trunk@{here}>;tag=1",
        f"To: <sip:{OWN_HOST}>",
        f"Call-ID: {uuid.uuid4().hex}",
        f"CSeq: {number} OPTIONS",
        "Max-Forwards: 70",
        "Content-Length: 0",
        "",
        "",
    ]
    return "\r\n".join(lines)
