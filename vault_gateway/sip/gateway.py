"""What is asked of the gateway, and told to it, about calls: by threads, with the telecom's key."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog

from vault_gateway.client import ApiError, Client, ClientFailure, Route, Unreachable
from vault_gateway.client import Call as Question
from vault_gateway.sip.dialled import Dialled
from vault_gateway.sip.workers import Workers

log = structlog.get_logger("vault_gateway.sip")

# A caller hears a refusal when the gateway has not answered by then.
ANSWERS_WITHIN_S = 3.0
_LOOKS_UP_WITH = 16
_LOOK_UPS_WAITING = 500
# Records are repeated for as long as a telecom may owe them, and fewer at once: calls come first.
_RECORDS_WITHIN_S = 900.0
_RECORDS_WITH = 4
_RECORDS_WAITING = 100_000


@dataclass(frozen=True, slots=True)
class Found:
    """The gateway's answer. Without `route` there is none: `known` tells whether it surely connects nobody."""

    route: Route | None
    known: bool


class Gateway:
    def __init__(self, url: str, key: str, ca_file: Path | None = None) -> None:
        """ValueError for a URL that is none, or a `ca_file` without certificates."""
        self._asking = Client(
            url,
            key,
            ca_file=ca_file,
            connections=_LOOKS_UP_WITH,
            timeout_s=ANSWERS_WITHIN_S,
            deadline_s=ANSWERS_WITHIN_S,
        )
        self._telling = Client(
            url, key, ca_file=ca_file, connections=_RECORDS_WITH, timeout_s=10, deadline_s=_RECORDS_WITHIN_S
        )
        self._askers = Workers("look-ups", _LOOKS_UP_WITH, _LOOK_UPS_WAITING)
        self._tellers = Workers("records", _RECORDS_WITH, _RECORDS_WAITING, before=self._askers)

    def look_up(
        self, call_id: str, caller: str, readings: Sequence[Dialled], then: Callable[[Found], None]
    ) -> bool:
        """Calls `then` from another thread. False, and no call, where too many look-ups wait."""
        until = time.monotonic() + ANSWERS_WITHIN_S
        return self._askers.take(lambda: then(self._found(call_id, caller, readings, until)))

    def record(self, call_id: str, type_: str, reason: str | None = None) -> None:
        at = datetime.now(UTC)
        if not self._tellers.take(lambda: self._tell(call_id, type_, at, reason)):
            log.error("call record lost: too many wait", call=call_id, type=type_)

    def drain(self, within_s: float) -> None:
        lost = self._tellers.drain(within_s)
        if lost:
            log.error("ended with call records that the gateway did not take", records=lost)

    def _found(self, call_id: str, caller: str, readings: Sequence[Dialled], until: float) -> Found:
        for dialled in readings:
            if time.monotonic() >= until:
                return Found(None, known=True)
            try:
                route = self._asking.relay.route(
                    Question(call_id, "voice", caller, dialled.number, dialled.extension)
                )
                return Found(route, known=True)
            except ApiError as error:
                if error.status != 404:
                    log.warning("no look-up", code=error.code, status=error.status)
                    return Found(None, known=error.status < 500)
            except Unreachable as failure:
                log.warning("no look-up", reason=failure.reason)
                return Found(None, known=not failure.maybe_done)
        return Found(Route("reject", reason="no_binding"), known=True)

    def _tell(self, call_id: str, type_: str, at: datetime, reason: str | None) -> None:
        try:
            self._telling.relay.record(call_id, type_, at, reason=reason)
        except ApiError as error:
            # 404: the question whose answer was lost had not arrived either, or was answered by nothing.
            if error.status != 404:
                log.error("call record refused", call=call_id, type=type_, code=error.code)
        except ClientFailure:
            log.error("call record lost", call=call_id, type=type_)
