"""Many calls at once."""

from __future__ import annotations

import re
import time
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
