"""The shipped sample: 200 made-up orders, ten of them broken, each in its own way."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vault_gateway.client import Value

_LEVELS = ("province", "city", "district", "township", "detail")
# A text this short may stand in a dump by chance.
_SHORTEST_PROOF = 3


@dataclass(frozen=True)
class SampleOrder:
    """An order as the buyer typed it. `repr` shows nothing of the buyer."""

    order: str
    name: str = field(repr=False)
    phone: str = field(repr=False)
    address: str | Mapping[str, str] = field(repr=False)

    def values(self) -> list[Value]:
        return [
            Value.name(self.name, ref=f"{self.order} name"),
            Value.phone(self.phone, ref=f"{self.order} phone"),
            Value.address(self.address, ref=f"{self.order} address"),
        ]

    def secrets(self) -> list[str]:
        """What must stand in no dump, in the form in which it would: the name, the phone without its prefix, the end
        of the address. Ten digits: fewer may stand in some ciphertext's hexadecimal by chance."""
        digits = "".join(character for character in self.phone if character.isdecimal())
        detail = self.address if isinstance(self.address, str) else self.address.get("detail", "")
        wanted = [self.name.strip(), digits.translate(_PLAIN_DIGITS)[-10:], detail.strip()[-8:]]
        return [text for text in wanted if len(text) >= _SHORTEST_PROOF]


_PLAIN_DIGITS = {ord("０") + digit: str(digit) for digit in range(10)}


def sample() -> Sequence[SampleOrder]:
    path = Path(__file__).with_name("orders.csv")
    with path.open(encoding="utf-8", newline="") as lines:
        return [_order(row) for row in csv.DictReader(lines)]


def _order(row: Mapping[str, str]) -> SampleOrder:
    parts = {level: row[level] for level in _LEVELS if row[level]}
    return SampleOrder(row["order"], row["name"], row["phone"], row["address_text"] or parts)
