"""The relay: a parcel's numbers for its merchant; for the telecom that owns them where a call goes, and what became of
it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from vault_gateway.client.transport import Transport, segment


@dataclass(frozen=True, slots=True)
class Call:
    """A call or message to a relay number. `caller` is "" where the number is hidden; a message has its `text`."""

    call_id: str
    medium: Literal["voice", "sms"]
    caller: str = field(repr=False)
    called: str
    extension: str | None = None
    text: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Route:
    """`action` is `connect`, `ask_extension` or `reject` (with its `reason`). `destination` is a person's phone:
    connect to it, do not store it."""

    action: str
    reason: str | None = None
    destination: str | None = field(default=None, repr=False)
    display: str | None = None
    binding_id: str | None = None
    max_seconds: int | None = None
    text: str | None = field(default=None, repr=False)
    # To be dialled behind the destination.
    extension: str | None = field(default=None, repr=False)
    # How many of them the extension that is asked for has.
    digits: int | None = None


@dataclass(frozen=True, slots=True)
class Connected:
    """A call or message that was connected. `seconds` is for how long the two talked, by the telecom's records."""

    medium: str
    at: datetime
    seconds: int


@dataclass(frozen=True, slots=True)
class Binding:
    """A parcel's number. `calls` are known where the binding was asked for by its id."""

    binding_id: str
    waybill_no: str
    mode: str
    number: str
    expires_at: datetime
    extension: str | None = None
    calls: tuple[Connected, ...] = ()


class Relay:
    def __init__(self, http: Transport) -> None:
        self._http = http

    def route(self, call: Call) -> Route:
        body: dict[str, Any] = {
            "call_id": call.call_id,
            "medium": call.medium,
            "caller": call.caller,
            "called": call.called,
        }
        if call.extension is not None:
            body["extension"] = call.extension
        if call.text is not None:
            body["text"] = call.text
        return _route(self._http.ask("/v1/relay/route", body))

    def bind(self, waybill_no: str, *, mode: Literal["extension", "axb"] = "extension") -> Binding:
        """A number for a parcel: the live one where it has one already. `axb` is between the recipient and the caller:
        the courier who has the parcel, or the merchant's service number."""
        return _binding(self._http.create("/v1/relay/bindings", {"waybill_no": waybill_no, "mode": mode}))

    def binding(self, binding_id: str) -> Binding:
        """A binding of a parcel of one's own, with its calls."""
        return _binding(self._http.get(f"/v1/relay/bindings/{segment(binding_id)}"))

    def release(self, binding_id: str) -> None:
        """Closes a number at once; nobody else has it for weeks."""
        self._http.delete(f"/v1/relay/bindings/{segment(binding_id)}")

    def record(self, call_id: str, type_: str, at: datetime, *, reason: str | None = None) -> None:
        """What became of a call: `start`, `ring`, `answer`, `end` or `failed`. Again is the same as once."""
        body = {"call_id": call_id, "type": type_, "at": at.isoformat()}
        if reason is not None:
            body["reason"] = reason
        self._http.ask("/v1/relay/events", body)


def _route(body: Mapping[str, Any]) -> Route:
    return Route(
        action=body["action"],
        reason=body.get("reason"),
        destination=body.get("destination"),
        display=body.get("display"),
        binding_id=body.get("binding_id"),
        max_seconds=body.get("max_seconds"),
        text=body.get("text"),
        extension=body.get("extension"),
        digits=body.get("digits"),
    )


def _binding(body: Mapping[str, Any]) -> Binding:
    return Binding(
        binding_id=body["binding_id"],
        waybill_no=body["waybill_no"],
        mode=body["mode"],
        number=body["number"],
        expires_at=datetime.fromisoformat(body["expires_at"]),
        extension=body.get("extension"),
        calls=tuple(
            Connected(call["medium"], datetime.fromisoformat(call["at"]), call["seconds"])
            for call in body.get("calls", ())
        ),
    )
