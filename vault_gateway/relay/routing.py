"""Where a call or a message to a relay number goes.

One look-up and one audit row decide; only then is one phone opened, for a live binding, and told to nobody but the
telecom that owns the number. Every question is an event, answered or not.
"""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from vault_gateway import metrics
from vault_gateway.access.resources import relay_number
from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Ledger, Unit, refused
from vault_gateway.errors import GatewayError, not_found, unavailable
from vault_gateway.ids import base32
from vault_gateway.keys import KeysUnavailable, RelayKeys
from vault_gateway.limits import Limits
from vault_gateway.model import Caller, Clock
from vault_gateway.relay.opening import open_phone
from vault_gateway.relay.service import BINDING_PREFIX
from vault_gateway.relay.store import calls, pool
from vault_gateway.relay.store.bindings import Phone
from vault_gateway.relay.store.calls import End, SealedPhone
from vault_gateway.relay.store.pool import RelayNumber
from vault_gateway.relay.texts import mask_numbers
from vault_gateway.tokens.phones import split_extension

MAX_SECONDS = 3600
# A caller who dials so many extensions that nobody has is a stranger who tries them out.
_GUESSES = "10/hour"
_CALLS_BACK_FOR = timedelta(hours=24)
# A lost answer is asked for again at once. Who repeats an old question would learn where the call went.
_ASKED_AGAIN_WITHIN = timedelta(minutes=1)
# How long a telecom may take to report a call, and how many reports it may owe.
_REPORTS_WITHIN = timedelta(minutes=15)
_OWES_SINCE = timedelta(hours=24)
_LOOKS_AT_DEBT_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class Call:
    """`caller` and `called` in E.164; a caller who hides the number is "". A message has its `text`."""

    call_id: str
    medium: str
    caller: str
    called: str
    extension: str | None = None
    text: str | None = None


class RoutingService:
    def __init__(
        self, ledger: Ledger, keys: RelayKeys, limits: Limits, clock: Clock, *, unrecorded_routes: int
    ) -> None:
        self._ledger = ledger
        self._keys = keys
        self._limits = limits
        self._clock = clock
        self._debts = _Debts(unrecorded_routes)

    def route(self, who: Caller, call: Call) -> dict[str, Any]:
        """`{action: connect, destination, extension?, display, binding_id, max_seconds, text?}`,
        `{action: ask_extension, digits}` or `{action: reject, reason}`; 404 for a number that is not the caller's
        own."""
        anywhere, here = self._digests(call)
        event = Event("relay.route", detail={"medium": call.medium, "call": call.call_id})
        with self._ledger.open(who) as unit:
            number, policies = self._number(unit, call, event)
            event = replace(event, policies=policies, resource=f"number:{number.number}")
            if self._is_guesser(anywhere):
                return self._reject(unit, event, "blocked")
            extension = call.extension or _extension_in(call.text, number.digits)
            if number.mode == "extension" and extension is not None and not _fits(extension, number):
                return self._reject_guess(unit, event, anywhere)
            dialled = here if number.mode == "axb" else None if extension is None else extension.encode()
            end = calls.find_end(unit.conn, number.number, dialled, here, self._clock())
            if end is None and number.mode == "extension" and extension is None and call.medium == "voice":
                return self._answered("ask_extension", {"action": "ask_extension", "digits": number.digits})
            reason = self._reason_against(unit, number, end)
            if end is None or reason is not None:
                if end is None and number.mode == "extension":
                    return self._reject_guess(unit, event, anywhere)
                return self._reject(unit, event, reason or "no_binding", end)
            to = end.courier if end.called_back else end.reaches
            if to is None:
                return self._reject(unit, event, "no_binding", end)
            if not calls.insert_call(
                unit.conn,
                number.telecom,
                call.call_id,
                call.medium,
                end,
                number.number,
                here,
                to.phone,
                self._clock(),
                asked_again_within=_ASKED_AGAIN_WITHIN,
            ):
                return self._reject(unit, event, "no_binding", end)
            unit.enter(end.tenant)
            unit.record(replace(_about(event, end), fields=("phone",)))
        return self._connect(who, call, number, end, to, event)

    def _connect(
        self,
        who: Caller,
        call: Call,
        number: RelayNumber,
        end: End,
        to: SealedPhone,
        event: Event,
    ) -> dict[str, Any]:
        destination = self._open(who, end, to, _about(event, end))
        if destination == call.caller and not end.called_back and number.mode == "extension":
            return self._turn(who, call, number, end, event)
        if number.mode == "extension" and not end.called_back and not end.can_call_back:
            self._let_call_back(who, number, end, to.phone, destination)
        return self._connected(call, number, end, destination)

    def _turn(self, who: Caller, call: Call, number: RelayNumber, end: End, event: Event) -> dict[str, Any]:
        """The recipient dialled the own extension: whoever has the parcel now is meant."""
        turned = replace(_about(event, end), fields=("phone",), detail={**event.detail, "to": "courier"})
        with self._ledger.open(who, end.tenant) as unit:
            if end.courier is None:
                return self._reject(unit, event, "no_binding", end)
            calls.turn_call(unit.conn, number.telecom, call.call_id, end.courier.phone)
            unit.record(turned)
        return self._connected(call, number, end, self._open(who, end, end.courier, turned))

    def _connected(self, call: Call, number: RelayNumber, end: End, destination: str) -> dict[str, Any]:
        to, extension = split_extension(destination)
        answer: dict[str, Any] = {
            "action": "connect",
            "destination": to,
            "display": number.number,
            "binding_id": BINDING_PREFIX + base32(end.binding_id),
            "max_seconds": MAX_SECONDS,
        }
        if extension is not None:
            answer["extension"] = extension
        if call.text is not None:
            answer["text"] = mask_numbers(_without_extension(call.text, number.digits))
        return self._answered("connect", answer)

    def _open(self, who: Caller, end: End, to: SealedPhone, event: Event) -> str:
        return open_phone(self._ledger, self._keys, who, end.tenant, to, event).decode()

    def _let_call_back(self, who: Caller, number: RelayNumber, end: End, to: Phone, recipient: str) -> None:
        [digest] = self._caller_digests([(number.number, recipient.encode())])
        until = min(end.expires_at, self._clock() + _CALLS_BACK_FOR)
        with self._ledger.open(who) as unit:
            calls.let_call_back(unit.conn, number.number, digest, end.binding_id, to, until)

    def _number(self, unit: Unit, call: Call, event: Event) -> tuple[RelayNumber, tuple[str, ...]]:
        number = pool.find_number(unit.conn, call.called)
        if number is None:
            raise refused(event, not_found(), reason="unknown_number")
        return number, unit.require(event, relay_number(number.number, number.telecom), not_found())

    def _reason_against(self, unit: Unit, number: RelayNumber, end: End | None) -> str | None:
        now = self._clock()
        if end is None:
            return "unknown_caller" if number.mode == "axb" else "no_binding"
        if now >= end.cool_until:
            return "no_binding"
        if now >= end.expires_at:
            return "cooling" if end.released else "expired"
        if end.reaches is None:
            return "no_binding"
        if self._debts.too_many(unit, number.telecom, self._clock):
            metrics.RELAY_ALARMS.inc()
            return "quota"
        return None

    def _reject_guess(self, unit: Unit, event: Event, caller: bytes) -> dict[str, Any]:
        try:
            self._limits.spend("relay-guess", _GUESSES, caller.hex())
        except GatewayError as error:
            if error.code != "rate_limited":
                raise
        return self._reject(unit, event, "no_binding")

    def _is_guesser(self, caller: bytes) -> bool:
        try:
            self._limits.require_left("relay-guess", _GUESSES, caller.hex())
        except GatewayError as error:
            if error.code == "rate_limited":
                return True
            raise
        return False

    def _reject(self, unit: Unit, event: Event, reason: str, end: End | None = None) -> dict[str, Any]:
        """Written and committed with the transaction at hand, in the log of the parcel where one was dialled."""
        if end is not None:
            unit.enter(end.tenant)
        unit.record(replace(_about(event, end), outcome="deny", reason=reason))
        return self._answered("reject", {"action": "reject", "reason": reason})

    def _answered(self, what: str, answer: dict[str, Any]) -> dict[str, Any]:
        metrics.RELAY_ROUTES.labels(what).inc()
        return answer

    def _digests(self, call: Call) -> tuple[bytes, bytes]:
        """Of the caller anywhere, for the lock on guessing, and on this number."""
        plain = call.caller.encode() or b"anonymous"
        anywhere, here = self._caller_digests([("", plain), (call.called, plain)])
        return anywhere, here

    def _caller_digests(self, callers: list[tuple[str, bytes]]) -> list[bytes]:
        try:
            return self._keys.caller_digests(callers)
        except KeysUnavailable:
            raise unavailable("vault") from None


class _Debts:
    """Which telecoms connect calls and never report them. Asked of the database every few seconds."""

    def __init__(self, at_most: int) -> None:
        self._at_most = at_most
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[float, bool]] = {}

    def too_many(self, unit: Unit, telecom: str, clock: Clock) -> bool:
        now = time.monotonic()
        with self._lock:
            seen = self._seen.get(telecom)
        if seen is not None and now < seen[0]:
            return seen[1]
        at = clock()
        owed = calls.unrecorded(unit.conn, telecom, at - _OWES_SINCE, at - _REPORTS_WITHIN, self._at_most + 1)
        with self._lock:
            self._seen[telecom] = (now + _LOOKS_AT_DEBT_EVERY_S, owed > self._at_most)
        return owed > self._at_most


def _fits(extension: str, number: RelayNumber) -> bool:
    return len(extension) == number.digits and extension.isascii() and extension.isdigit()


def _about(event: Event, end: End | None) -> Event:
    return event if end is None else replace(event, waybill=end.waybill_no, carrier=end.carrier)


def _extension_in(text: str | None, digits: int) -> str | None:
    """The extension that a message begins with: `471123 I am at the door`."""
    found = _leading(digits).match(text) if text is not None and digits else None
    return None if found is None else found[1]


def _without_extension(text: str, digits: int) -> str:
    found = _leading(digits).match(text) if digits else None
    return text if found is None else text[found.end() :]


def _leading(digits: int) -> re.Pattern[str]:
    return re.compile(rf"\s*#?([0-9]{{{digits}}})(?:[\s:,;#]+|\Z)")
