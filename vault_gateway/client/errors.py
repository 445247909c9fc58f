"""What can go wrong with a call. No message holds a value, a key, a token or an address of a resource."""

from __future__ import annotations


class ClientFailure(Exception):
    """The base of everything that a call raises."""


class ApiError(ClientFailure):
    """The gateway's own answer: `code` is stable, `detail` is a sentence for a person, `status` is HTTP's.

    `retry_after` is in seconds, where the gateway named a time that was beyond the call's deadline.
    """

    def __init__(
        self, code: str, status: int, detail: str, request_id: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(f"{code} ({status}): {detail}")
        self.code = code
        self.status = status
        self.detail = detail
        self.request_id = request_id
        self.retry_after = retry_after


class Unreachable(ClientFailure):
    """No whole answer came. `maybe_done` tells that the request may have been carried out all the same."""

    def __init__(self, reason: str, *, maybe_done: bool) -> None:
        super().__init__(f"{reason}; it may have been carried out" if maybe_done else reason)
        self.reason = reason
        self.maybe_done = maybe_done


class NotSealedToUs(ClientFailure):
    """A sealed answer that our key does not open: altered, or of another reveal."""
