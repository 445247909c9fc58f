"""The last act: who looked, and who tried to."""

from __future__ import annotations

from vault_gateway.client import AuditEvent
from vault_gateway.demo.cast import LIN, Cast
from vault_gateway.demo.telling import Telling


def read_log(telling: Telling, players: Cast, waybill_no: str) -> None:
    """Act 6: who looked, and who tried to."""
    screen = telling.screen
    screen.title(6, "The access log of this parcel, as its auditor reads it")
    events = list(players.auditor.audit.events(waybill=waybill_no))[::-1]
    rows = [
        (
            event.time.strftime("%H:%M:%S"),
            event.actor.removeprefix("key:"),
            _what(event),
            event.outcome,
            _why(event),
        )
        for event in events
    ]
    screen.table(("UTC", "who", "what", "outcome", "why"), (8, 13, 30, 7, 30), rows, marked="deny")
    denied = [event for event in events if event.outcome == "deny"]
    released = [event for event in events if event.action == "reveal.release"]
    telling.done(
        len(denied) == 7 and [event.actor for event in released] == [f"key:{LIN}"],
        f"all {len(denied)} denied tries are in it, and the one release: before the values left",
    )


def _what(event: AuditEvent) -> str:
    about = event.detail.get("type") or event.purpose
    return f"{event.action} {about}" if about else event.action


def _why(event: AuditEvent) -> str:
    """The rule that decided; for a release, what went out."""
    return event.reason or ", ".join(event.policies or event.fields)
