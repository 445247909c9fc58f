"""The relay, for the telecom that owns its numbers: where a call goes, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from vault_gateway.client.transport import Transport


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
