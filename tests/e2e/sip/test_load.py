"""Many calls at once."""

from __future__ import annotations

import re
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.e2e.sip.scenarios import (
    answers,
    assert_blind,
    calls,
    hangs_up,
    is_hung_up_on,
)
from tests.e2e.sip.sipp import (
    pause,
    phone,
)
from tests.e2e.sip.switch import Operator, Parcel, Switch, caller_phone


def calls_in(messages: list[str], beginning: str) -> int:
    """How many calls have a message that begins so, which UDP may bring twice."""
    return len({re.findall("Call-ID: .*", text)[0] for text in messages if text.startswith(beginning)})


def test_fifty_calls_at_once_and_a_hundred_a_second(
    operator: Operator, switch: Switch, parcel: Parcel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every call is put through; only a gateway that has no answer in three seconds, on a machine that does much
    else, is a refusal."""
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
            late = calls_in(caller_saw.received, "SIP/2.0 503")
            # The caller's last call may be over before the callee has read that it began.
            while (
                through := calls_in(callee_saw.received, "ACK")
            ) + late < count and time.monotonic() < began + 45:
                time.sleep(0.1)
        with capsys.disabled():
            print(f"\n{through} of {count} calls, {rate} a second, done in {seconds:.1f} s")
        assert through + late == count, Counter(caller_saw.starts())
        assert late == 0 or (late <= 0.2 * count and b"no look-up" in switch.log.read_bytes())
        assert_blind(callee, callee_saw, me, caller_saw)
