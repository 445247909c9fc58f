"""The few answers that a caller may hear. None is passed on as it came: a reason can name anybody."""

from __future__ import annotations

from collections.abc import Mapping

Answer = tuple[int, str]

NOT_FOUND: Answer = (404, "Not Found")
UNAVAILABLE: Answer = (480, "Temporarily Unavailable")
INCOMPLETE: Answer = (484, "Address Incomplete")
NOT_ACCEPTABLE: Answer = (488, "Not Acceptable Here")
TOO_MANY_HOPS: Answer = (483, "Too Many Hops")
OVERLOADED: Answer = (503, "Service Unavailable")
FORBIDDEN: Answer = (403, "Forbidden")
GONE: Answer = (410, "Gone")

_REJECTED: Mapping[str, Answer] = {
    "no_binding": NOT_FOUND,
    "expired": GONE,
    "cooling": GONE,
    "unknown_caller": FORBIDDEN,
    "blocked": FORBIDDEN,
    "quota": OVERLOADED,
}
_CALLEE: Mapping[int, tuple[Answer, str]] = {
    486: ((486, "Busy Here"), "busy"),
    600: ((486, "Busy Here"), "busy"),
    603: ((603, "Decline"), "declined"),
    488: (NOT_ACCEPTABLE, "no_codec"),
    606: (NOT_ACCEPTABLE, "no_codec"),
    491: ((491, "Request Pending"), "pending"),
    408: (UNAVAILABLE, "no_answer"),
    480: (UNAVAILABLE, "no_answer"),
}


def to_reason(reason: str | None) -> Answer:
    """What the gateway's reason for a refusal sounds like."""
    return _REJECTED.get(reason or "", UNAVAILABLE)


def of_callee(code: int) -> tuple[Answer, str]:
    """What the caller hears for the other side's final answer, and the reason in the call record. A redirect is
    a refusal: it would show where the callee is."""
    return _CALLEE.get(code, (UNAVAILABLE, "unreachable"))
