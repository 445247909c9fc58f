"""The two ways in which Vault does not do what was asked, neither of which can carry a value."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class KeysUnavailable(Exception):
    """Vault cannot be asked now: sealed, slow, gone, overloaded, or it refuses our identity.

    `reason` is one fixed word for logs and metrics: `gone`, `slow`, `sealed`, `overloaded`, `failed`,
    `refused` or `garbled`. It never holds a body, a value or a chained cause, so it may be logged as it is.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class KeyFault(Exception):
    """Vault answered, and refuses exactly this: a ciphertext that does not open, a key that is not there.

    Opaque on purpose: why something does not open helps only the person who tampers with it. In a batch it is
    returned in the item's place.
    """

    def __init__(self) -> None:
        super().__init__("key fault")


def opaque(method: Callable[P, R]) -> Callable[P, R]:
    """Raise a fresh error at the room's door.

    The frames below hold request bodies, and trackers that print local variables would print them. A new
    exception, raised outside the handler and after the arguments are let go, has neither these frames nor a
    `__context__`.
    """

    @wraps(method)
    def door(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(*args, **kwargs)
        except KeysUnavailable as unavailable:
            fresh: Exception = KeysUnavailable(unavailable.reason)
        except KeyFault:
            fresh = KeyFault()
        del args, kwargs
        raise fresh

    return door
