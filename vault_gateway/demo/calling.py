"""The act of the phone: two people talk, and neither learns the other's number."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta

from vault_gateway.client import Call, RelayNumber, Route, Waybill
from vault_gateway.demo.cast import LIN, RELAY_NUMBER, SWIFT, VOICE, Cast
from vault_gateway.demo.orders import SampleOrder
from vault_gateway.demo.telling import Telling
from vault_gateway.model import utc_now

_COURIERS_PHONE, _STRANGERS_PHONE = "+8617012345678", "+8617087654321"
_TALKED_S = (35, 72)


def on_the_phone(telling: Telling, players: Cast, waybill: Waybill, order: SampleOrder, nobodys: str) -> None:
    """The parcel is out with Lin. `nobodys` is an extension that no parcel has."""
    assert isinstance(waybill.relay, RelayNumber), "it was asked for and the pool is empty"
    extension = waybill.relay.extension
    assert extension is not None, "a parcel's own number has one"
    phone = f"+86{order.phone}"
    telling.screen.tell(
        f"The label shows a number of the pool and an extension. The telecom, {VOICE}, asks where to connect each call;"
        f" {SWIFT} has registered its courier's phone. Whoever is called sees {RELAY_NUMBER}."
    )
    telling.require(
        players.swift.couriers.register(LIN, phone=_COURIERS_PHONE).phone is not None, "it is registered"
    )
    line = _Line(players, waybill.relay.number)

    there = line.rings(_COURIERS_PHONE, extension)
    telling.require(_leads(there, phone), "the courier's call rings the recipient")
    telling.screen.attempt(LIN, "calls the number and extension", "the recipient's phone rings", allowed=True)
    back = line.rings(phone)
    telling.require(_leads(back, _COURIERS_PHONE), "the recipient's call rings the courier")
    telling.screen.attempt("the recipient", "calls the number back", f"{LIN}'s phone rings", allowed=True)
    stranger = line.rings(_STRANGERS_PHONE)
    telling.require(stranger.action == "ask_extension", "a stranger is asked for the extension")
    telling.screen.attempt("a stranger", "calls the number", "asked for an extension", allowed=False)
    guessed = line.rings(_STRANGERS_PHONE, nobodys)
    telling.require((guessed.action, guessed.reason) == ("reject", "no_binding"), "a guess reaches nobody")
    telling.screen.attempt("a stranger", "tries one", "it is nobody's", allowed=False)

    assert there.binding_id is not None, "it was connected"
    seen = players.shop.relay.binding(there.binding_id)
    telling.done(
        sorted(call.seconds for call in seen.calls) == sorted(_TALKED_S),
        f"the shop sees two calls of {_TALKED_S[0]} and {_TALKED_S[1]} seconds, and no number but {seen.number}",
    )


class _Line:
    """The telecom's side: it asks where to connect, and reports what became of each call that was."""

    def __init__(self, players: Cast, number: str) -> None:
        self._relay = players.voice.relay
        self._number = number
        self._calls = itertools.count(1)
        self._talked = iter(_TALKED_S)

    def rings(self, caller: str, extension: str | None = None) -> Route:
        call_id = f"demo-{next(self._calls)}"
        route = self._relay.route(Call(call_id, "voice", caller, self._number, extension))
        if route.action == "connect":
            self._report(call_id, utc_now(), next(self._talked))
        return route

    def _report(self, call_id: str, answered: datetime, seconds: int) -> None:
        """In the order in which such reports arrive: in none."""
        self._relay.record(call_id, "end", answered + timedelta(seconds=seconds))
        self._relay.record(call_id, "answer", answered)


def _leads(route: Route, phone: str) -> bool:
    return (route.action, route.destination, route.display) == ("connect", phone, RELAY_NUMBER)
