"""A call: the trunk's caller on one leg, the destination on the other, and nothing passed on between them.

Each leg is told only events made here, with canned reasons and SDP written anew. So what a phone puts into its
messages has no way to the other side.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

import structlog
from sippy.CCEvents import (
    CCEventConnect,
    CCEventDisconnect,
    CCEventFail,
    CCEventRedirect,
    CCEventRing,
    CCEventTry,
    CCEventUpdate,
)
from sippy.Core.EventDispatcher import ED2
from sippy.Time.Timeout import Timeout

from vault_gateway.client import Route
from vault_gateway.sip import answers
from vault_gateway.sip.answers import Answer
from vault_gateway.sip.dialled import Dialled
from vault_gateway.sip.gateway import ANSWERS_WITHIN_S, Found
from vault_gateway.sip.leg import Leg, body_of
from vault_gateway.sip.line import Line
from vault_gateway.sip.sdp import Rewriter

log = structlog.get_logger("vault_gateway.sip")

# For so long the destination may ring.
_RINGS_FOR_S = 180


class Call:
    """Lives in the loop of SIP messages; only `_found` comes from elsewhere, and through the loop."""

    def __init__(self, line: Line, caller: str, readings: Sequence[Dialled], hops: int) -> None:
        self._line = line
        self._number = caller
        self._readings = readings
        self._hops = hops
        # The gateway knows the call by this. The caller's Call-ID may hold an address or a number.
        self._id = f"sip-{secrets.token_hex(16)}"
        self._caller = Leg(line.config, self._heard_caller, line.trusted)
        self._callee: Leg | None = None
        self._to_caller, self._to_callee = Rewriter(), Rewriter()
        self._sound: Any = None
        self._offer: str | None = None
        self._patience: Any = None
        self._rang = self._answered = self._over = False
        # Why it ended before the gateway's answer came.
        self._given_up: tuple[str, str] | None = None

    def take(self, invite: Any, transaction: Any) -> Any:
        self._line.calls.add(self)
        return self._caller.recvRequest(invite, transaction)

    def hang_up(self) -> None:
        """Ends it on both sides, as when this process ends."""
        self._finish("end", "shut_down")
        if self._answered:
            self._caller.disconnect()
        else:
            self._caller.recvEvent(CCEventFail(answers.OVERLOADED))
        if self._callee is not None:
            self._callee.disconnect()

    # The caller's side

    def _heard_caller(self, event: Any, _leg: Leg) -> None:
        if self._over:
            return
        if isinstance(event, CCEventTry):
            self._begin(event.getData()[3])
        elif isinstance(event, CCEventDisconnect | CCEventFail | CCEventRedirect):
            # A caller who gives up has not met a failure: that would unlock the phone by hanging up twice.
            self._finish("end", None if self._answered else "cancelled")
            if self._callee is not None:
                self._callee.recvEvent(CCEventDisconnect())
        elif self._callee is not None:
            self._pass_on(event, self._callee, self._to_callee)

    def _begin(self, body: Any) -> None:
        self._offer = None if body is None else self._to_callee.rewritten(str(body))
        if self._offer is None or (self._line.media is not None and "c=IN IP6" in self._offer):
            # The relay speaks IPv4, and past it no sound goes.
            return self._refuse(answers.NOT_ACCEPTABLE)
        if self._hops <= 0:
            return self._refuse(answers.TOO_MANY_HOPS)
        if not self._readings:
            return self._refuse(answers.NOT_FOUND)
        if len(self._line.calls) > self._line.at_most or not self._line.gateway.look_up(
            self._id, self._number, self._readings, lambda found: ED2.callFromThread(self._found, found)
        ):
            return self._refuse(answers.OVERLOADED)
        self._patience = Timeout(self._out_of_patience, ANSWERS_WITHIN_S)
        return None

    def _out_of_patience(self) -> None:
        self._patience = None
        if not self._over:
            log.warning("no look-up in time", call=self._id)
            self._given_up = ("failed", "gateway_slow")
            self._refuse(answers.OVERLOADED)

    # The gateway's answer

    def _found(self, found: Found) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        connects = found.route is not None and found.route.action == "connect"
        if not found.known or (connects and self._over):
            # The gateway may hold this for a call, and a telecom owes the record of each.
            self._line.gateway.record(self._id, *(self._given_up or ("failed", "gateway_lost")))
        if self._over:
            return
        if found.route is None:
            self._refuse(answers.OVERLOADED)
        elif connects:
            self._connect(found.route)
        elif found.route.action == "ask_extension":
            self._refuse(answers.INCOMPLETE)
        else:
            self._refuse(answers.to_reason(found.route.reason))

    def _connect(self, route: Route) -> None:
        extension = route.extension
        if extension is not None and not self._line.dials_extensions:
            # The caller would hear a voice that asks for digits which only we know.
            self._line.gateway.record(self._id, "failed", "extension")
            return self._refuse(answers.UNAVAILABLE)
        seconds = min(route.max_seconds or self._line.longest_s, self._line.longest_s)
        self._callee = Leg(
            self._line.config,
            self._heard_callee,
            self._line.trusted,
            nh_address=self._line.trunk,
            credit_time=seconds,
            expire_time=_RINGS_FOR_S,
        )
        if self._line.media is not None:
            self._sound = self._line.media.session()
            self._callee.on_local_sdp_change = self._sound.on_caller_sdp_change
            self._caller.on_local_sdp_change = self._sound.on_callee_sdp_change
        begin = CCEventTry((None, route.display, route.destination, body_of(self._offer or ""), None, None))
        begin.max_forwards = self._hops
        if extension is not None:
            begin.onUacSetupComplete = lambda leg: leg.dial_extension(extension)
        self._line.gateway.record(self._id, "start")
        self._callee.recvEvent(begin)
        return None

    # The callee's side

    def _heard_callee(self, event: Any, _leg: Leg) -> None:
        if self._over:
            return
        if isinstance(event, CCEventFail | CCEventRedirect):
            answer, reason = answers.of_callee(event.getData()[0])
            if self._answered:
                # Of a re-INVITE alone: the call goes on as it was.
                self._caller.recvEvent(CCEventFail(answer))
            else:
                self._refuse(answer, reason)
        elif isinstance(event, CCEventDisconnect):
            if self._answered:
                self._finish("end", None)
                self._caller.recvEvent(CCEventDisconnect())
            else:
                self._refuse(answers.UNAVAILABLE, "no_answer")
        else:
            self._pass_on(event, self._caller, self._to_caller)

    # Both ways

    def _pass_on(self, event: Any, to: Leg, rewriter: Rewriter) -> None:
        """Ringing, answers and re-INVITEs; all else is heard and goes no further."""
        if isinstance(event, CCEventUpdate):
            description = _rewritten(event.getData(), rewriter)
            if description is not None:
                to.recvEvent(CCEventUpdate(description))
            else:
                self._other(to).recvEvent(CCEventFail(answers.NOT_ACCEPTABLE))
        elif isinstance(event, CCEventConnect):
            self._pass_answer(_rewritten(event.getData()[2], rewriter), to)
        elif isinstance(event, CCEventRing) and event.getData()[0] != 100:
            self._pass_ringing(_rewritten(event.getData()[2], rewriter), to)

    def _pass_answer(self, description: Any, to: Leg) -> None:
        if description is None:
            log.warning("an answer without sound", call=self._id)
            self._refuse(answers.NOT_ACCEPTABLE, "no_codec")
            if self._callee is not None:
                self._callee.disconnect()
            return
        if not self._answered:
            self._answered = True
            self._line.gateway.record(self._id, "answer")
        to.recvEvent(CCEventConnect((200, "OK", description)))

    def _pass_ringing(self, description: Any, to: Leg) -> None:
        if self._answered:
            return
        if not self._rang:
            self._rang = True
            self._line.gateway.record(self._id, "ring")
        how = (180, "Ringing") if description is None else (183, "Session Progress")
        to.recvEvent(CCEventRing((*how, description)))

    def _other(self, leg: Leg) -> Leg:
        return self._caller if leg is self._callee or self._callee is None else self._callee

    def _refuse(self, answer: Answer, reason: str | None = None) -> None:
        self._finish("failed", reason)
        self._caller.recvEvent(CCEventFail(answer))

    def _finish(self, type_: str, reason: str | None) -> None:
        if self._over:
            return
        self._over = True
        self._line.calls.discard(self)
        if self._sound is not None:
            self._sound.delete()
        if self._callee is not None:
            self._line.gateway.record(self._id, type_, reason)
        elif self._given_up is None:
            self._given_up = (type_, reason or "refused")
        log.info(
            "call over", call=self._id, answered=self._answered, rang=self._rang, type=type_, reason=reason
        )


def _rewritten(body: Any, rewriter: Rewriter) -> Any:
    text = None if body is None else rewriter.rewritten(str(body))
    return None if text is None else body_of(text)
