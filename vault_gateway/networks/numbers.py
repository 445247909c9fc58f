"""Ranges of waybill numbers, with a check digit where their rule has one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class CheckDigit:
    """A weighted sum of the digits, modulo `modulus`; its complement to the modulus, where so said; and then
    `instead` of what is no digit or is written otherwise. UPU S10 is weights 8 6 4 2 3 5 9 7, modulus 11,
    complement, 10 written 0 and 11 written 5."""

    weights: tuple[int, ...]
    modulus: int
    complement: bool = False
    instead: Mapping[int, int] = field(default_factory=dict)

    def of(self, digits: str) -> str:
        total = sum(weight * int(digit) for weight, digit in zip(self.weights, digits, strict=True))
        return str(self._written(total % self.modulus))

    def all_written(self) -> set[int]:
        """Whatever it can come to; a rule is sound where all are digits."""
        return {self._written(rest) for rest in range(self.modulus)}

    def _written(self, rest: int) -> int:
        value = self.modulus - rest if self.complement else rest
        return self.instead.get(value, value)


@dataclass(frozen=True, slots=True)
class NumberRange:
    """Numbers `prefix`, a serial of `digits` digits from `first` to `last`, a check digit, `suffix`."""

    prefix: str
    digits: int
    first: int
    last: int
    suffix: str = ""
    check: CheckDigit | None = None

    def __len__(self) -> int:
        return self.last - self.first + 1

    def number(self, serial: int) -> str:
        body = f"{serial:0{self.digits}d}"
        check = "" if self.check is None else self.check.of(body)
        return f"{self.prefix}{body}{check}{self.suffix}"

    def serial_of(self, number: str) -> int | None:
        """The serial of a number that looks like one of this range, its check digit left out of account."""
        end = len(self.prefix) + self.digits
        length = end + (self.check is not None) + len(self.suffix)
        if len(number) != length or not (number.startswith(self.prefix) and number.endswith(self.suffix)):
            return None
        body = number[len(self.prefix) : length - len(self.suffix)]
        if not (body.isascii() and body.isdigit()):
            return None
        serial = int(body[: self.digits])
        return serial if self.first <= serial <= self.last else None

    def overlaps(self, other: NumberRange) -> bool:
        """Could a number be of both? Of equally long numbers those between the first and the last count as of the
        range, so at worst this says yes too often."""
        mine = self.number(self.first), self.number(self.last)
        theirs = other.number(other.first), other.number(other.last)
        return len(mine[0]) == len(theirs[0]) and mine[0] <= theirs[1] and theirs[0] <= mine[1]
