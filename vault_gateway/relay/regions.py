"""Which parcels a number serves first: those of a province or a city, by the name that their addresses have."""

from __future__ import annotations

import re
import unicodedata

from vault_gateway.tokens.regions import CITIES, PROVINCES

_HAN = re.compile(r"[\u3400-\u9fff]")


def region_named(text: str) -> str | None:
    """The full name of a Chinese province or city (`杭州` is `杭州市`, `吉林` the province); None for what is neither.
    No list has the regions of other countries: a name in other letters is taken as it is."""
    name = unicodedata.normalize("NFKC", text).strip()
    if name in PROVINCES:
        return PROVINCES[name]
    cities = {known.name for of_province in CITIES.values() if (known := of_province.get(name)) is not None}
    if cities:
        return cities.pop() if len(cities) == 1 else None
    return None if not name or _HAN.search(name) else name
