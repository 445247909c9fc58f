"""UUIDv7 (RFC 9562, 5.7) and their text: 26 lower-case Crockford base32 characters."""

from __future__ import annotations

import os
from datetime import datetime
from functools import lru_cache
from struct import iter_unpack
from uuid import UUID, SafeUUID

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
TEXT_LENGTH = 26

# From Crockford's digits to those that Python reads; all else to what it refuses.
_READ = "".join(
    "0123456789abcdefghijklmnopqrstuv"[ALPHABET.index(sign)] if sign in ALPHABET else "!"
    for sign in map(chr, range(128))
)
# Two characters at a time, from small numbers: a token is written for every item of a bulk request.
_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]
_40_BITS = (1 << 40) - 1
_VERSION_AND_VARIANT = (0x7 << 76) | (0b10 << 62)
_12_BITS, _62_BITS = (1 << 12) - 1, (1 << 62) - 1
# By names of their own, which are found at once.
_new, _set, _UNKNOWN = UUID.__new__, object.__setattr__, SafeUUID.unknown


def new_id(now: datetime) -> UUID:
    """A UUIDv7 of `now`, with 74 random bits."""
    return UUID(int=_numbers(now, 1)[0])


def new_ids(now: datetime, count: int) -> list[UUID]:
    """`count` UUIDv7 of the same millisecond in ascending order, from one read of the system's random source."""
    return [_uuid(number) for number in sorted(_numbers(now, count))]


def new_texts(now: datetime, count: int) -> list[str]:
    """Texts of UUIDv7 of which nobody needs more than the text, in no order."""
    return [_text(number) for number in _numbers(now, count)]


def floor_id(at: datetime) -> UUID:
    """No UUIDv7 of the millisecond of `at` or later is below this, and all earlier ones are."""
    return UUID(int=max(0, int(at.timestamp() * 1000)) << 80)


def _uuid(number: int) -> UUID:
    """`UUID(int=number)` without its tests of what else might have been given: less than half of its time."""
    made = _new(UUID)
    _set(made, "int", number)
    _set(made, "is_safe", _UNKNOWN)
    return made


def _numbers(now: datetime, count: int) -> list[int]:
    start = (int(now.timestamp() * 1000) << 80) | _VERSION_AND_VARIANT
    noise = iter_unpack(">HQ", os.urandom(10 * count))
    return [start | (high & _12_BITS) << 64 | (low & _62_BITS) for high, low in noise]


def base32(uuid: UUID) -> str:
    return _text(uuid.int)


def _text(number: int) -> str:
    high, low = (number >> 40) & _40_BITS, number & _40_BITS
    return (
        f"{_first_ten(number >> 80)}"
        f"{_PAIRS[high >> 30]}{_PAIRS[high >> 20 & 1023]}{_PAIRS[high >> 10 & 1023]}{_PAIRS[high & 1023]}"
        f"{_PAIRS[low >> 30]}{_PAIRS[low >> 20 & 1023]}{_PAIRS[low >> 10 & 1023]}{_PAIRS[low & 1023]}"
    )


@lru_cache(maxsize=16)
def _first_ten(millis: int) -> str:
    """The characters that say when an id was made: the same for all of one request."""
    return "".join(_PAIRS[(millis >> by) & 1023] for by in (40, 30, 20, 10, 0))


def parse_base32(text: str) -> UUID | None:
    """The UUIDv7 of its one canonical text; None for anything else."""
    if len(text) != TEXT_LENGTH or not text.isascii():
        return None
    try:
        number = int(text.translate(_READ), 32)
    except ValueError:
        return None
    if number >> 128 or (number >> 76) & 0xF != 7 or (number >> 62) & 0b11 != 0b10:
        return None
    return UUID(int=number)


def parse_prefixed(prefix: str, text: object) -> UUID | None:
    """The id in `prefix` and 26 characters, as in `rv_0123...`; None for anything else."""
    if not isinstance(text, str) or not text.startswith(prefix):
        return None
    return parse_base32(text[len(prefix) :])
