"""Where a call or a message to a relay number goes.

One look-up and one audit row decide; only then is one phone opened, for a live binding, and told to nobody but the
telecom that owns the number. Every question is an event, answered or not.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from vault_gateway import metrics
from vault_gateway.access.resources import relay_number
from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Ledger, refused
from vault_gateway.errors import not_found, too_slow, unavailable
from vault_gateway.ids import base32
from vault_gateway.keys import KeysUnavailable, RelayKeys
from vault_gateway.model import Caller, Clock
from vault_gateway.relay.debts import Debts
from vault_gateway.relay.guessing import Dialler, Guesses, Tries
from vault_gateway.relay.opening import open_phone
from vault_gateway.relay.service import BINDING_PREFIX
from vault_gateway.relay.store import calls, pool
from vault_gateway.relay.store.bindings import Phone
from vault_gateway.relay.store.calls import End, SealedPhone
from vault_gateway.relay.store.pool import RelayNumber
from vault_gateway.relay.texts import extension_in, mask_numbers, without_extension
from vault_gateway.tokens.phones import split_extension

MAX_SECONDS = 3600
# Renewed by a call in the second half of it (`relay_end`).
_CALLS_BACK_FOR = timedelta(hours=24)
# Who asks was known at the beginning. What took longer is told to nobody, for a revocation holds within 5 s.
LONGEST_ROUTE_S = 2.0
# A lost answer is asked for again at once. Who repeats an old question would learn where the call went.
_ASKED_AGAIN_WITHIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Call:
    """`caller` and `called` in E.164; a caller who hides the number is "". A message has its `text`."""

    call_id: str
    medium: str
    caller: str
    called: str
    extension: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    """A call to a number of `who`'s own, and what is told of it in the log. `extension` is None for a caller who is
    known without one."""

    who: Caller
    call: Call
    number: RelayNumber
    event: Event
    dialler: Dialler
    extension: str | None = None


class RoutingService:
    def __init__(self, ledger: Ledger, keys: RelayKeys, guesses: Guesses, debts: Debts, clock: Clock) -> None:
        self._ledger = ledger
        self._keys = keys
        self._guesses = guesses
        self._debts = debts
        self._clock = clock

    def route(self, who: Caller, call: Call) -> dict[str, Any]:
        """`{action: connect, destination, extension?, display, binding_id, max_seconds, text?}`,
        `{action: ask_extension, digits}` or `{action: reject, reason}`; 404 for a number that is not the caller's
        own.

        Neither Vault nor Redis is waited for inside a transaction: what is read comes first, and what is written is
        the call with its event.
        """
        number, event = self._own_number(who, call)
        asked = _Asked(who, call, number, event, self._dialler(call, number))
        extension = call.extension or extension_in(call.text, number.digits)
        if number.mode == "axb" or not call.extension:
            # One of a pair, or somebody who calls back: those are known and guess nothing. They come before digits
            # that a message begins with, which may be the code of a gate; but where nobody can be called back the
            # digits are what was dialled, and count as a try.
            known = self._look_up(asked, None)
            if known is not None and not (
                number.mode == "extension" and self._dials_another(call, extension, known)
            ):
                return self._reach(asked, known)
        if number.mode == "axb" or extension is None:
            return self._nobody(asked, ())
        return self._dial(replace(asked, extension=extension))

    def _dials_another(self, call: Call, extension: str | None, known: End) -> bool:
        """Where nobody can be called back: digits, or a call that has not been asked for any yet."""
        nowhere = self._leads_nowhere(known)
        return nowhere is not None and (
            extension is not None or (call.medium == "voice" and nowhere == "no_binding")
        )

    def _dial(self, asked: _Asked) -> dict[str, Any]:
        taken = self._guesses.take(asked.dialler)
        if taken is None:
            return self._reject(asked, "blocked")
        try:
            end = self._look_up(asked, asked.extension)
        except Exception:
            self._guesses.give_back(taken)
            raise
        if end is None:
            return self._nobody(asked, taken)
        self._guesses.give_back(taken)
        return self._reach(asked, end)

    def _own_number(self, who: Caller, call: Call) -> tuple[RelayNumber, Event]:
        """Before Vault is asked for anything: who may not route hears that there is no such number."""
        event = Event("relay.route", detail={"medium": call.medium, "call": call.call_id})
        with self._ledger.look() as conn:
            number = pool.find_number(conn, call.called)
        if number is None:
            with self._ledger.open(who):
                raise refused(event, not_found(), reason="unknown_number")
        policies = self._ledger.require(who, event, relay_number(number.number, number.telecom), not_found())
        return number, replace(event, policies=policies, resource=f"number:{number.number}")

    def _look_up(self, asked: _Asked, extension: str | None) -> End | None:
        number, caller = asked.number, asked.dialler.here
        if number.mode == "axb":
            dialled: bytes | None = caller
        elif extension is None:
            dialled = None
        elif _fits(extension, number):
            dialled = extension.encode()
        else:
            return None
        with self._ledger.look() as conn:
            return calls.find_end(conn, number.number, dialled, caller, self._clock())

    def _nobody(self, asked: _Asked, taken: Tries) -> dict[str, Any]:
        """A stranger to a pair, no extension yet, or one that nobody has, for which a try is `taken`."""
        if asked.number.mode == "axb":
            return self._reject(asked, "unknown_caller")
        if not taken and asked.call.medium == "voice":
            if self._guesses.are_used_up(asked.dialler):
                return self._reject(asked, "blocked")
            with self._ledger.open(asked.who) as unit:
                unit.record(replace(asked.event, reason="ask_extension"))
            return self._answered("ask_extension", {"action": "ask_extension", "digits": asked.number.digits})
        # A message that names no extension counts as a wrong one.
        tries = taken or self._guesses.take(asked.dialler)
        if tries is None:
            return self._reject(asked, "blocked")
        if self._guesses.missed(asked.dialler, tries):
            alarmed = replace(asked.event, detail={**asked.event.detail, "alarm": "guessing"})
            asked = replace(asked, event=alarmed)
        return self._reject(asked, "no_binding")

    def _reach(self, asked: _Asked, end: End) -> dict[str, Any]:
        """Connects to an end that was found, or says why not. What fails on the way was told to nobody."""
        reason, to = self._reason_against(asked.number, end), end.leads_to
        if reason is not None or to is None:
            return self._reject(asked, reason or "no_binding", end)
        if not self._begin(asked, end, to):
            return self._reject(asked, "no_binding", end)
        try:
            return self._connect(asked, end, to)
        except Exception:
            self._take_back(asked)
            raise

    def _begin(self, asked: _Asked, end: End, to: SealedPhone) -> bool:
        """The call and its event, in one statement; False, and neither is written, for another call's id."""
        event = replace(_about(asked.event, end), fields=("phone",), token=to.phone.text)
        begun = False
        with self._ledger.open(asked.who, end.tenant) as unit:
            begun = calls.insert_call(
                unit.recording(event),
                asked.number.telecom,
                asked.call.call_id,
                asked.call.medium,
                end,
                asked.number.number,
                asked.dialler.here,
                to.phone,
                self._clock(),
                asked_again_within=_ASKED_AGAIN_WITHIN,
            )
            if not begun:
                unit.undo()
        return begun

    def _connect(self, asked: _Asked, end: End, to: SealedPhone) -> dict[str, Any]:
        destination = self._open(asked.who, end, to, _about(asked.event, end))
        dialled = asked.number.mode == "extension" and not end.called_back
        if dialled and destination == asked.call.caller:
            return self._turn(asked, end)
        if dialled and not end.can_call_back:
            self._let_call_back(asked.number, end, to.phone, destination)
        return self._connected(asked, end, destination)

    def _turn(self, asked: _Asked, end: End) -> dict[str, Any]:
        """The recipient dialled the own extension: whoever has the parcel now is meant."""
        if end.courier is None:
            answer = self._reject(asked, "no_binding", end)
            self._take_back(asked)
            return answer
        detail = {**asked.event.detail, "to": "courier"}
        turned = replace(_about(asked.event, end), fields=("phone",), detail=detail)
        with self._ledger.open(asked.who, end.tenant) as unit:
            calls.turn_call(unit.conn, asked.number.telecom, asked.call.call_id, end.courier.phone)
            unit.record(replace(turned, token=end.courier.phone.text))
        return self._connected(asked, end, self._open(asked.who, end, end.courier, turned))

    def _take_back(self, asked: _Asked) -> None:
        with self._ledger.look() as conn:
            calls.take_back(conn, asked.number.telecom, asked.call.call_id)

    def _connected(self, asked: _Asked, end: End, destination: str) -> dict[str, Any]:
        if time.monotonic() - asked.who.judged > LONGEST_ROUTE_S:
            with self._ledger.open(asked.who, end.tenant) as unit:
                unit.record(replace(_about(asked.event, end), outcome="error", reason="too_slow"))
            raise too_slow()
        to, extension = split_extension(destination)
        answer: dict[str, Any] = {
            "action": "connect",
            "destination": to,
            "display": asked.number.number,
            "binding_id": BINDING_PREFIX + base32(end.binding_id),
            "max_seconds": MAX_SECONDS,
        }
        if extension is not None:
            answer["extension"] = extension
        if asked.call.text is not None:
            answer["text"] = mask_numbers(without_extension(asked.call.text, asked.extension))
        return self._answered("connect", answer)

    def _open(self, who: Caller, end: End, to: SealedPhone, event: Event) -> str:
        return open_phone(self._ledger, self._keys, who, end.tenant, to, event).decode()

    def _let_call_back(self, number: RelayNumber, end: End, to: Phone, recipient: str) -> None:
        [digest] = self._caller_digests([(number.number, recipient.encode())])
        until = min(end.expires_at, self._clock() + _CALLS_BACK_FOR)
        with self._ledger.look() as conn:
            calls.let_call_back(conn, number.number, digest, end.binding_id, to, until)

    def _reason_against(self, number: RelayNumber, end: End) -> str | None:
        reason = self._leads_nowhere(end)
        if reason is None and self._debts.too_many(number.telecom):
            metrics.RELAY_ALARMS.inc()
            return "quota"
        return reason

    def _leads_nowhere(self, end: End) -> str | None:
        """Why, for an end that can connect nobody now."""
        now = self._clock()
        if now >= end.cool_until:
            return "no_binding"
        if now >= end.expires_at:
            return "cooling" if end.released else "expired"
        return "no_binding" if end.reaches is None or end.leads_to is None else None

    def _reject(self, asked: _Asked, reason: str, end: End | None = None) -> dict[str, Any]:
        """Written in the log of the parcel where one was dialled."""
        with self._ledger.open(asked.who, None if end is None else end.tenant) as unit:
            unit.record(replace(_about(asked.event, end), outcome="deny", reason=reason))
        return self._answered("reject", {"action": "reject", "reason": reason})

    def _answered(self, what: str, answer: dict[str, Any]) -> dict[str, Any]:
        metrics.RELAY_ROUTES.labels(what).inc()
        return answer

    def _dialler(self, call: Call, number: RelayNumber) -> Dialler:
        if not call.caller:
            [here] = self._caller_digests([(number.number, b"anonymous")])
            return Dialler(number, here, None)
        plain = call.caller.encode()
        return Dialler(number, *self._caller_digests([(number.number, plain), ("", plain)]))

    def _caller_digests(self, callers: list[tuple[str, bytes]]) -> list[bytes]:
        try:
            return self._keys.caller_digests(callers)
        except KeysUnavailable:
            raise unavailable("vault") from None


def _fits(extension: str, number: RelayNumber) -> bool:
    return len(extension) == number.digits and extension.isascii() and extension.isdigit()


def _about(event: Event, end: End | None) -> Event:
    return event if end is None else replace(event, waybill=end.waybill_no, carrier=end.carrier)
