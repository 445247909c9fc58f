"""What the policy folder says, while the gateway runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, TypeVar

T = TypeVar("T")

# Asked anew each time. Within one request all that is asked for is of one folder (`rules.py`).
InForce: TypeAlias = Callable[[], T]


def always(value: T) -> InForce[T]:
    """For whoever reads the folder once and is done."""
    return lambda: value
