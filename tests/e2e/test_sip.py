"""Real calls through `vault-gateway sip`: SIPp phones on both sides, and all SIP that each of them saw.

Both phones write their number and address into every place that SIP and SDP have. Each test ends by reading what
the other side received.
"""

from __future__ import annotations

import os
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests import canaries
from tests.canaries import Person
from tests.e2e.sipp import (
    Phone,
    Seen,
    answer,
    callee_request,
    cancel,
    kept_invite,
    pause,
    phone,
    recv,
    request,
)
from tests.functional.relay.conftest import DIGITS, fresh_number
from tests.world import Actor, World, new_town
from vault_gateway.relay.plan import capacity
from vault_gateway.relay.store import pool

# No other test's parcels go there, so their numbers are of this file's telecom.
CITY, DISTRICT = "宁波市", "海曙区"
CALLERS_HOST, CALLEES_HOST, OWN_HOST = "127.0.0.2", "127.0.0.3", "127.0.0.1"


def free_port(host: str) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind((host, 0))
        return int(free.getsockname()[1])


def caller_phone(number: str) -> Phone:
    return Phone(f"+86{number}", CALLERS_HOST, free_port(CALLERS_HOST), "192.0.2.21")


@dataclass(frozen=True)
class Parcel:
    courier_phone: str
    recipient: Person
    number: str
    extension: str
    waybill_no: str
    merchant: Actor
    courier: Actor


@dataclass(frozen=True)
class Switch:
    """A running `vault-gateway sip`; its trunk's calls go out to `trunk_port`."""

    at: str
    trunk_port: int
    log: Path

    def callee(self, number: str) -> Phone:
        return Phone(f"+86{number}", CALLEES_HOST, self.trunk_port, "192.0.2.31")


class Operator:
    """Numbers, parcels and switches of this file."""

    def __init__(self, world: World, url: str) -> None:
        self.world, self.url = world, url
        self.telecom = world.actor("telecom")
        self._town = new_town(world)
        self.add_numbers("extension")
        self.add_numbers("axb")

    def add_numbers(self, mode: str) -> None:
        digits = DIGITS if mode == "extension" else 0
        with self.world.admin() as conn:
            pool.add_numbers(
                conn,
                [fresh_number() for _ in range(2)],
                telecom=f"key:{self.telecom.name}",
                mode=mode,
                region=CITY,
                digits=digits,
                capacity=capacity(mode, digits),
                now=self.world.clock(),
            )

    def retire(self) -> None:
        with self.world.admin() as conn:
            conn.execute(
                "update relay_number set retired_at = now() where telecom = %s", (f"key:{self.telecom.name}",)
            )

    def parcel(self) -> Parcel:
        """Out for delivery, with a courier whose phone is registered."""
        town, courier_phone = self._town, canaries.phone()
        place = {"province": "浙江省", "city": CITY, "district": DISTRICT, "detail": canaries.detail()}
        someone = Person(canaries.name(), canaries.phone(), place)
        posted = town.carrier.post("/v1/couriers", {"handle": town.courier.name, "phone": courier_phone})
        assert posted.status_code == 201, posted.text
        body = {
            "network": "douyin",
            "carrier": town.carrier_slug,
            "recipient": town.tokenize(someone).as_recipient(),
            "relay": True,
        }
        made = town.merchant.post("/v1/waybills", body)
        assert made.status_code == 201, made.text
        waybill_no, relay = made.get_json()["waybill_no"], made.get_json()["relay"]
        for type_, more in (("accepted", {}), ("out_for_delivery", {"courier": town.courier.name})):
            assert town.event(waybill_no, type_, **more).status_code == 201
        return Parcel(
            courier_phone,
            someone,
            relay["number"],
            relay["extension"],
            waybill_no,
            town.merchant,
            town.courier,
        )

    @contextmanager
    def switch(self, *, url: str | None = None, options: list[str] | None = None) -> Iterator[Switch]:
        """Its log stands beside the engines', where the last test of a run looks for leaks."""
        port, trunk = free_port(OWN_HOST), free_port(CALLEES_HOST)
        log = self.world.instance.engines.data / "logs" / f"sip-{port}.log"
        command = [
            sys.executable, "-m", "vault_gateway", "sip", "--listen", f"{OWN_HOST}:{port}",
            "--trunk", f"{CALLEES_HOST}:{trunk}", "--from", CALLERS_HOST, "--url", url or self.url, *(options or []),
        ]  # fmt: skip
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                env={**os.environ, "VAULT_GATEWAY_KEY": self.telecom.key},
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
            )
        with process:
            assert process.stdout is not None
            try:
                assert process.stdout.readline() == f"ready sip:{OWN_HOST}:{port}\n", log.read_text()
                yield Switch(f"{OWN_HOST}:{port}", trunk, log)
            finally:
                process.terminate()
                assert process.wait(20) == 0
                assert process.stdout.read() == ""

    def records(self, parcel: Parcel, within_s: float = 10) -> list[list[str]]:
        """Types of records of each call about the parcel, once every call has ended."""
        until = time.monotonic() + within_s
        while True:
            with self.world.admin() as conn:
                rows = conn.execute(
                    "select c.call_id, array_agg(e.type order by e.type) filter (where e.type is not null)"
                    " as types from relay_call c left join relay_call_event e using (telecom, call_id)"
                    " where c.waybill_id in (select waybill_id from relay_binding where waybill_no = %s)"
                    " group by c.call_id, c.routed_at order by c.routed_at",
                    (parcel.waybill_no,),
                ).fetchall()
            types = [row["types"] or [] for row in rows]
            if types and all({"end", "failed"} & set(each) for each in types):
                return types
            assert time.monotonic() < until, types
            time.sleep(0.1)


@pytest.fixture(scope="module")
def operator(world: World) -> Iterator[Operator]:
    with world.served() as url:
        here = Operator(world, url)
        yield here
        here.retire()


@pytest.fixture(scope="module")
def switch(operator: Operator) -> Iterator[Switch]:
    with operator.switch() as running:
        yield running


@pytest.fixture
def parcel(operator: Operator) -> Parcel:
    return operator.parcel()


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
    assert operator.records(parcel)[-1] == ["answer", "end", "ring", "start"]


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


def hangs_up_as_callee(me: Phone) -> list[str]:
    return [callee_request(me, "BYE", 2), recv("200")]


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
        # UDP keeps no order: a provisional answer may come in after the final one.
        final = {start[:11] for start in saw.starts() if not start.startswith("SIP/2.0 1")}
        assert final == {f"SIP/2.0 {code}"}
        assert parcel.recipient.phone not in "".join(saw.received)


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
            recv("200"),
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


def test_a_caller_who_gives_up_is_no_failure(
    operator: Operator, switch: Switch, parcel: Parcel, tmp_path: Path
) -> None:
    """Otherwise a courier would unlock the phone by hanging up twice."""
    me, callee = caller_phone(parcel.courier_phone), switch.callee(parcel.recipient.phone)
    rings = [
        *kept_invite(),
        answer(callee, "180 Ringing"),
        recv("CANCEL"),
        answer(callee, "200 OK", within=True),
        final_487(callee),
        recv("ACK"),
    ]
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
    assert operator.records(parcel)[-1] == ["end", "ring", "start"]


def final_487(me: Phone) -> str:
    return (
        answer(me, "487 Request Terminated")
        .replace("[last_CSeq:]", "CSeq: [$4]")
        .replace("[last_Via:]", "Via: [$5]")
    )


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
    assert operator.records(parcel)[-1] == ["failed", "start"]


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


def test_a_call_ends_when_its_time_is_up(operator: Operator, parcel: Parcel, tmp_path: Path) -> None:
    with operator.switch(options=["--max-seconds", "1"]) as switch:
        me, callee = caller_phone(parcel.courier_phone), switch.callee(parcel.recipient.phone)
        began = time.monotonic()
        talks(
            switch, tmp_path, me, f"{parcel.number};ext={parcel.extension}", callee,
            caller_then=is_hung_up_on(me), callee_then=is_hung_up_on(callee),
        )  # fmt: skip
        assert time.monotonic() - began < 10
    assert operator.records(parcel)[-1] == ["answer", "end", "ring", "start"]


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


def test_fifty_calls_at_once_and_a_hundred_a_second(
    operator: Operator, switch: Switch, parcel: Parcel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dials = f"{parcel.number};ext={parcel.extension}"
    for name, count, rate, talk_ms in (("at once", 50, 50, 2000), ("a second", 300, 100, 300)):
        me, callee = caller_phone(parcel.courier_phone), switch.callee(parcel.recipient.phone)
        began = time.monotonic()
        with (
            phone(tmp_path / name / "to", callee, answers(callee, *is_hung_up_on(callee)), calls=count) as callee_saw,
            phone(
                tmp_path / name / "from", me, calls(me, pause(talk_ms), *hangs_up(me)), to=switch.at, dials=dials,
                calls=count, rate=rate, options=["-l", str(count)],
            ) as caller_saw,
        ):  # fmt: skip
            caller_saw.process.wait(40)
            seconds = time.monotonic() - began
        # A gateway that is late on a busy machine is a refusal, and never a call that goes wrong.
        acknowledged = [text for text in callee_saw.received if text.startswith("ACK")]
        through = len({re.findall("Call-ID: .*", text)[0] for text in acknowledged})
        with capsys.disabled():
            print(f"\n{through} of {count} calls, {rate} a second, done in {seconds:.1f} s")
        assert through >= 0.8 * count
        assert_blind(callee, callee_saw, me, caller_saw)
