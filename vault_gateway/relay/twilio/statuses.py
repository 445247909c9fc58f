"""What Twilio says became of a call or a message, as the call records of the relay."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# A record's type and reason.
Became = tuple[str, str | None]

# Of the leg to the destination. That it was busy or not answered is left to the end of the `Dial`: only there it shows
# whether the caller waited for it.
_LEG: Mapping[str, Became] = {
    "initiated": ("start", None),
    "ringing": ("ring", None),
    "in-progress": ("answer", None),
    "completed": ("end", None),
    "canceled": ("end", "cancelled"),
}
_DIAL_FAILED: Mapping[str, Became] = {
    "busy": ("failed", "busy"),
    "no-answer": ("failed", "no_answer"),
    "failed": ("failed", "unreachable"),
}
_DIAL_ENDED: Became = ("end", None)
_GAVE_UP: Became = ("end", "cancelled")
_MESSAGE: Mapping[str, Became] = {
    "sent": ("start", None),
    "delivered": ("end", None),
    "undelivered": ("failed", "undelivered"),
    "failed": ("failed", "unreachable"),
}


def of_leg(call_status: str) -> Became | None:
    return _LEG.get(call_status)


def of_dial(dial_status: str, call_status: str) -> Became:
    """A caller who hangs up before the answer has not met a failure, or hanging up twice would unlock the phone:
    Twilio calls that `no-answer` too, but the caller's own call is no longer in progress then."""
    if dial_status in ("completed", "answered"):
        return _DIAL_ENDED
    failed = _DIAL_FAILED.get(dial_status)
    return failed if failed is not None and call_status == "in-progress" else _GAVE_UP


def of_message(message_status: str) -> Became | None:
    return _MESSAGE.get(message_status)


def moment(timestamp: str | None, now: datetime) -> datetime:
    """Twilio writes it as RFC 2822; `now` for what is none."""
    try:
        at = parsedate_to_datetime(timestamp or "")
    except (ValueError, OverflowError):
        return now
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at
