"""Made-up people whose data must never show where it should not.

Tests take their PII from here. Every value is remembered, so that the last test of a run can look for all of them
in dumps and logs: a leak anywhere in the run is found, whoever caused it.
"""

from __future__ import annotations

import itertools
import secrets
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_counter = itertools.count(secrets.randbelow(10_000_000))
_BEGINNING = 3
_SYLLABLES = "鸢鹂鹬鹮鹳鹭鹈鹕鸬鹚鸲鸫鸮鸱鸨鸩鸳鸯鸵鸸"
# What a search looks for: by how it begins and how long it is, all that may stand there, and the value it gives away.
Wanted = dict[bytes, dict[int, dict[bytes, str]]]
# What was planted in this run, in every writing of `_writings`, and as it is.
_planted: Wanted = {}
_planted_plainly: Wanted = {}


@dataclass(frozen=True)
class Person:
    """A recipient in plain text: what a buyer types at checkout."""

    name: str
    phone: str
    address: dict[str, str] = field(default_factory=dict)

    @property
    def detail(self) -> str:
        return self.address["detail"]

    @property
    def e164(self) -> str:
        return f"+86{self.phone}"


def phone() -> str:
    """A mobile number of its own; no test shares one."""
    number = f"199{next(_counter) % 100_000_000:08d}"
    return plant(number)


def name() -> str:
    made = "金丝雀" + "".join(secrets.choice(_SYLLABLES) for _ in range(6))
    return plant(made)


def detail() -> str:
    made = "鸟鸣路{}号{}室".format(
        secrets.randbelow(9000) + 1000, "".join(secrets.choice(_SYLLABLES) for _ in range(6))
    )
    return plant(made)


def person() -> Person:
    return Person(
        name(), phone(), {"province": "浙江省", "city": "杭州市", "district": "西湖区", "detail": detail()}
    )


def plant(value: str) -> str:
    """Registers a test's own value, for what the ready-made people do not cover."""
    _want(_planted, value, _writings)
    _want(_planted_plainly, value, _plainly)
    return value


def forget(someone: Person) -> None:
    """For a test that shows what a leak looks like."""
    for wanted, writings in ((_planted, _writings), (_planted_plainly, _plainly)):
        for value in (someone.name, someone.phone, someone.detail):
            for beginning, written in zip(writings(value[:_BEGINNING]), writings(value), strict=True):
                wanted[beginning][len(written)].pop(written, None)


def items_of(someone: Person) -> list[dict[str, Any]]:
    """The three items that tokenise a person, in the order name, phone, address."""
    return [
        {"kind": "name", "value": someone.name},
        {"kind": "phone", "value": someone.phone},
        {"kind": "address", "value": someone.address},
    ]


def leaks(text: bytes, values: Iterable[str] | None = None) -> Iterator[str]:
    """The planted values, or `values`, that stand in `text`: as UTF-8, as hex or base64 of it, or as JSON escapes,
    in any case.

    Thousands are looked for in hundreds of megabytes. Most begin alike, so that one pass for each beginning finds all
    places where one of them may stand.
    """
    wanted = _planted
    if values is not None:
        wanted = {}
        for value in values:
            _want(wanted, value, _writings)
    yield from _found(text.lower(), wanted)


def require_none_in(folder: Path) -> None:
    """Fails where a planted value stands in any log below `folder`, or in what any PostgreSQL below it wrote, rows and
    write-ahead log alike. The servers are stopped: what they hold in memory is not looked at."""
    places = {path.name for path in folder.rglob("*") if any(_leaks_at(path))}
    # Where and not which: this text stands in a log as well.
    assert not places, f"values that tests of this run planted stand in {', '.join(sorted(places))}"


def _leaks_at(path: Path) -> Iterator[str]:
    if ".log" in path.suffixes and path.is_file():
        yield from leaks(path.read_bytes())
    elif path.name == "PG_VERSION" and (path.parent / "pg_wal").is_dir():
        for part in ("base", "pg_wal"):
            yield from _leaks_in_rows(path.parent / part)


def _leaks_in_rows(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield from _found(path.read_bytes(), _planted_plainly)


def _want(wanted: Wanted, value: str, writings: Callable[[str], list[bytes]]) -> None:
    for beginning, written in zip(writings(value[:_BEGINNING]), writings(value), strict=True):
        wanted.setdefault(beginning, {}).setdefault(len(written), {})[written] = value


def _found(text: bytes, wanted: Wanted) -> list[str]:
    found = set()
    for beginning, by_length in wanted.items():
        at = text.find(beginning)
        while at >= 0:
            for length, written_as in by_length.items():
                if (leaked := written_as.get(text[at : at + length])) is not None:
                    found.add(leaked)
            at = text.find(beginning, at + 1)
    return sorted(found)


def _plainly(text: str) -> list[bytes]:
    return [text.encode()]


def _writings(text: str) -> list[bytes]:
    plain = text.encode()
    written = [plain.hex().encode(), text.encode("ascii", "backslashreplace")]
    written += [_in_base64(plain, at) for at in range(3)]
    return [text.lower().encode(), *(one.lower() for one in written)]


def _in_base64(plain: bytes, at: int) -> bytes:
    """What stands for `plain` in the base64 of a text, where it begins `at` bytes behind a multiple of three: the
    characters at both ends belong to its neighbours as well, and are left out."""
    whole = b64encode(bytes(at) + plain)
    return whole[-(-8 * at // 6) : 8 * (at + len(plain)) // 6]
