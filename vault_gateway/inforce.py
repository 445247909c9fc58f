"""What the policy folder says, while the gateway runs: replaced as a whole, between two readings."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class InForce(Generic[T]):
    """Whoever needs one state throughout reads once."""

    def __init__(self, value: T) -> None:
        self._value = value

    def __call__(self) -> T:
        return self._value

    def replace(self, value: T) -> None:
        self._value = value
