"""SIGHUP has two meanings: take new policies, or your terminal has gone. `up` tells them apart."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def passed_on(gateway: subprocess.Popen[bytes], *, gone: type[BaseException]) -> Iterator[None]:
    """While this lasts, SIGHUP is the gateway's. `gone` is raised where it says that the terminal in which we were
    started was closed: nobody is left to stop us then. After `nohup` that is as it should be."""
    before = signal.getsignal(signal.SIGHUP)
    had_terminal = before is not signal.SIG_IGN and _has_terminal()

    def hang_up(_number: int, _frame: FrameType | None) -> None:
        if had_terminal and not _has_terminal():
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            raise gone
        gateway.send_signal(signal.SIGHUP)

    signal.signal(signal.SIGHUP, hang_up)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
