"""The rule of the demo: nothing is said that was not checked."""

from __future__ import annotations

from collections.abc import Callable

from vault_gateway.client import ApiError
from vault_gateway.demo.screen import Screen


class NotAsTold(Exception):
    """A step went otherwise than the story says; the message is the claim that does not hold."""


class Telling:
    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self.checks = 0

    def require(self, holds: bool, claim: str) -> None:
        if not holds:
            raise NotAsTold(claim)
        self.checks += 1

    def done(self, holds: bool, claim: str) -> None:
        """Says the claim, if it holds."""
        self.require(holds, claim)
        self.screen.done(claim)

    def refused(
        self, who: str, tries: str, act: Callable[[], object], code: str, status: int, why: str
    ) -> None:
        """Says that `act` is refused with `code`, if it is."""
        try:
            act()
        except ApiError as error:
            self.require((error.code, error.status) == (code, status), f"{who} gets {status} {code}")
        else:
            raise NotAsTold(f"{who} is refused: {tries}")
        self.screen.attempt(who, tries, f"{status} {why}", allowed=False)
