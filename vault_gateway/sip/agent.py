"""The process: listens for the trunk's calls and begins one `Call` for each."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import sippy.Core.EventDispatcher
import sippy.Network_server
import sippy.SipTransactionManager
import sippy.Udp_server
import structlog
from sippy.Core.EventDispatcher import ED2
from sippy.SipConf import SipConf
from sippy.SipTransactionManager import SipTransactionManager
from sippy.Time.Timeout import Timeout
from sippy.Udp_server import Udp_server, Udp_server_opts

from vault_gateway.sip.answers import OVERLOADED
from vault_gateway.sip.call import Call
from vault_gateway.sip.dialled import readings
from vault_gateway.sip.leg import PRODUCT, refused
from vault_gateway.sip.line import Line

log = structlog.get_logger("vault_gateway.sip")

# Where sippy reports errors from.
_REPORTING = (
    sippy.Core.EventDispatcher,
    sippy.Network_server,
    sippy.SipTransactionManager,
    sippy.Udp_server,
)
_MOST_HOPS = 70
# At the end: for hanging up, and for the records that are still to be told.
_HANGS_UP_FOR_S = 1.0
_TELLS_FOR_S = 5.0


class _InOrder(Udp_server_opts):  # type: ignore[misc]  # sippy ships no types
    """One thread reads and one writes. Of several, which is sippy's way, one overtakes another: an answer would leave
    before the 100 Trying that goes before it, and a BYE be heard before the ACK."""

    nworkers = 1


class _Transactions(SipTransactionManager):  # type: ignore[misc]  # as above
    model_udp_server = (Udp_server, _InOrder)


class Agent:
    def __init__(self, line: Line, listen: tuple[str, int]) -> None:
        """OSError where `listen` (an address of this machine and a port) is not to be had."""
        self._line = line
        self._ending = False
        SipConf.my_uaname = PRODUCT
        SipConf.autoconvert_tel_url = True
        line.config.update(_sip_address=listen[0], _sip_port=listen[1], _sip_logger=_Mute())
        for module in _REPORTING:
            module.dump_exception = _note
        line.config["_sip_tm"] = _Transactions(line.config, self._take)

    def run(self) -> None:
        """Until SIGTERM or SIGINT; then hangs up, tells the last records and returns."""
        for number in (signal.SIGTERM, signal.SIGINT):
            ED2.regSignal(number, self._end)
        ED2.loop()
        self._line.gateway.drain(_TELLS_FOR_S)

    def _end(self) -> None:
        self._ending = True
        calls = list(self._line.calls)
        for call in calls:
            call.hang_up()
        Timeout(ED2.breakLoop, _HANGS_UP_FOR_S if calls else 0)

    def _take(self, request: Any, transaction: Any) -> Any:
        """What belongs to no call yet."""
        refusal = refused(request, self._line.trusted)
        if refusal is not None:
            return refusal
        if request.getMethod() == "OPTIONS":
            return request.genResponse(200, "OK", server=PRODUCT), None, None
        if request.getMethod() != "INVITE" or request.getHFBody("to").getTag() is not None:
            gone = "Call/Transaction Does Not Exist"
            return request.genResponse(481, gone, server=PRODUCT), None, None
        if not request.countHFs("contact"):
            return request.genResponse(400, "Bad Request", server=PRODUCT), None, None
        if self._ending:
            return request.genResponse(*OVERLOADED, server=PRODUCT), None, None
        uri = request.getRURI()
        dialled = readings(uri.username or "", uri.userparams)
        return Call(self._line, _caller(request), dialled, _hops(request)).take(request, transaction)


def _caller(request: Any) -> str:
    """The number that the trunk vouches for, or else the one that the phone says; "" for a hidden one."""
    for name in ("p-asserted-identity", "from"):
        for header in request.getHFs(name):
            try:
                user = header.getBody().getUrl().username or ""
            except Exception:  # noqa: BLE001, S112 - sippy raises anything at what it cannot read
                continue
            found = readings(user)
            if found and found[0].extension is None:
                return found[0].number
    return ""


def _hops(request: Any) -> int:
    """How far the call may still go: each pass through here counts, so that no loop is endless."""
    try:
        return min(int(request.getHFBody("max-forwards").getNum()), _MOST_HOPS) - 1
    except (IndexError, ValueError):
        return _MOST_HOPS - 1


class _Mute:
    """sippy's own log is of whole messages."""

    def write(self, *_words: Any, **_more: Any) -> None:
        return


def _note(_text: str, *_more: Any, **_extra: Any) -> None:
    """In the place of sippy's report of an error, which quotes the message that caused it."""
    kind, _, trace = sys.exc_info()
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = "" if trace is None else f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
    log.error("a message was not handled", error=kind and kind.__name__, where=where)


def without_prints(configure: Callable[[TextIO], None]) -> None:
    """From now on nothing leaves this process but the lines of its own log, on what was stderr: sippy prints
    messages that it cannot read, whole."""
    own = os.fdopen(os.dup(2), "w", encoding="utf-8", buffering=1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    sys.stdout.flush()
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    configure(own)
