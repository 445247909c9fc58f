"""What was dialled: a relay number, and the extension that came with it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from vault_gateway.tokens.phones import e164
from vault_gateway.tokens.text import ValueRefused

# Extensions of a pool have so many digits.
FEWEST_DIGITS, MOST_DIGITS = 4, 8
# Visual separators of RFC 3966.
_SEPARATORS = str.maketrans("", "", "-.() ")
_DIALLED = re.compile(r"\+?[0-9]{3,32}")
_EXTENSION = re.compile(rf"[0-9]{{{FEWEST_DIGITS},{MOST_DIGITS}}}")


@dataclass(frozen=True, slots=True)
class Dialled:
    """A number in E.164 and the extension behind it, None where there was none."""

    number: str
    extension: str | None = field(default=None, repr=False)


def readings(user: str, parameters: Sequence[str] = ()) -> list[Dialled]:
    """How the user part of a SIP or tel URI can be read, the longest number first.

    An extension comes as RFC 3966's `;ext=`, or as digits behind the number; only numbers that can exist are
    read, so there is nearly always one reading. None at all for what is no number.
    """
    digits = user.translate(_SEPARATORS)
    if not _DIALLED.fullmatch(digits):
        return []
    named = _named_extension(parameters)
    if named is not None:
        whole = _number(digits)
        return [Dialled(whole, named)] if whole is not None and _EXTENSION.fullmatch(named) else []
    found = []
    for behind in (0, *range(FEWEST_DIGITS, MOST_DIGITS + 1)):
        number = _number(digits[: len(digits) - behind])
        if number is not None:
            found.append(Dialled(number, digits[len(digits) - behind :] if behind else None))
    return found


def _named_extension(parameters: Sequence[str]) -> str | None:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.lower() == "ext":
            return value.translate(_SEPARATORS)
    return None


def _number(digits: str) -> str | None:
    try:
        return e164(digits)
    except ValueRefused:
        return None
