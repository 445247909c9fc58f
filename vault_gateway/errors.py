"""The errors that people see: whoever runs the program, and callers, for whom the edge turns them into
`application/problem+json` (RFC 9457)."""

from __future__ import annotations

from typing import Any


class OperatingError(Exception):
    """Something is in the way of whoever runs the program. The message is one line that says what to do."""


class PolicyFileError(OperatingError):
    """A file of the policy folder cannot be used; the message says which, where and why."""


class GatewayError(Exception):
    """An answer other than success.

    `code` is stable and machine readable, `status` is the HTTP status, `detail` is a sentence for a person.
    None of them ever holds a submitted value, so that an error may be logged and sent as it is.
    """

    def __init__(self, code: str, status: int, detail: str, *, retry_after: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.status = status
        self.detail = detail
        self.retry_after = retry_after


def problem(code: str, status: int, detail: str, request_id: str) -> dict[str, Any]:
    """What the body of an error says (RFC 9457). `request_id` is "" where no request could be read."""
    return {
        "type": f"urn:vault-gateway:error:{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "code": code,
        "detail": detail,
        "request_id": request_id,
    }


def not_found() -> GatewayError:
    """The one answer for what is unknown, foreign, expired or erased: guarantee 10."""
    return GatewayError("not_found", 404, "There is nothing here that you may see.")


def not_allowed() -> GatewayError:
    """For a role that has no business here, whatever it named."""
    return GatewayError("forbidden", 403, "Your role may not do this.")


def too_slow() -> GatewayError:
    """What was opened stays here: who asked may have been revoked meanwhile."""
    return GatewayError("too_slow", 503, "It took too long to open this. Try again shortly.", retry_after=2)


def unavailable(engine: str) -> GatewayError:
    """An engine (`vault`, `database`, `redis`) cannot be asked now; nothing was written."""
    return GatewayError(
        f"{engine}_unavailable",
        503,
        "A part of the service is not answering. Try again shortly.",
        retry_after=2,
    )
