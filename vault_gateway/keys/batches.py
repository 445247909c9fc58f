"""Batches on transit: cut to what the server takes, joined again in order.

Items come as finished JSON fragments. Everything in them is base64 or a number, so nothing needs escaping,
and formatting bytes is a fifth quicker than building dictionaries for orjson (147 us against 179 us for 300
items).
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from vault_gateway.keys.errors import KeyFault, KeysUnavailable
from vault_gateway.keys.identity import Session
from vault_gateway.keys.server import LONGEST_ARRAY, Request, content

# Without it one bad item turns the whole answer into a 400.
PARTIAL = b'"partial_failure_response_code":200'


def base64(data: bytes) -> bytes:
    return b2a_base64(data, newline=False)


@dataclass(frozen=True, slots=True)
class Batch:
    """Items for one path, and what their results mean. `strings` is how many keys and string values an item has: the
    server's limit counts them, and `batch_items` is for four (ciphertext or plaintext, and context)."""

    path: str
    options: bytes
    items: Sequence[bytes]
    parse: Callable[[list[dict[str, Any]]], list[Any]]
    strings: int = 4

    def parts(self, batch_items: int) -> list[Sequence[bytes]]:
        size = min(batch_items * 4 // self.strings, LONGEST_ARRAY)
        return [self.items[start : start + size] for start in range(0, len(self.items), size)]


def run(session: Session, batches: Iterable[Batch], deadline: float) -> list[list[Any]]:
    """For each batch Vault's results, parsed, one per item and in order. KeysUnavailable where a call fails or
    miscounts. A batch is made when the ones before it are on their way, and results are parsed while others are
    waited for."""
    results: list[list[Any]] = []
    sent: list[tuple[int, Batch, int]] = []
    found: dict[int, list[Any]] = {}

    def requests() -> Iterator[Request]:
        for at, batch in enumerate(batches):
            results.append([])
            for part in batch.parts(session.vault.batch_items):
                sent.append((at, batch, len(part)))
                yield Request(
                    "POST", batch.path, b'{%b,"batch_input":[%b]}' % (batch.options, b",".join(part))
                )

    with closing(session.exchange(requests(), deadline)) as answers:
        for position, status, data in answers:
            _, batch, count = sent[position]
            found[position] = _parsed(batch.parse, _results(status, data, count))
    for position, (at, _, _) in enumerate(sent):
        results[at] += found[position]
    return results


def _parsed(parse: Callable[[list[dict[str, Any]]], list[Any]], results: list[dict[str, Any]]) -> list[Any]:
    """An answer of another shape is Vault's fault, not the item's."""
    try:
        return parse(results)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise KeysUnavailable("garbled") from None


def _results(status: int, data: bytes, count: int) -> list[dict[str, Any]]:
    try:
        # Where every item fails Vault answers 400 whatever PARTIAL asks, with the results in it all the same.
        results = content(200 if status == 400 else status, data)["data"]["batch_results"]
    except (KeyFault, KeyError, TypeError):
        # Not an item but the request is wrong: no such key, or more items than the server takes.
        raise KeysUnavailable("garbled" if status == 200 else "refused") from None
    if not isinstance(results, list) or len(results) != count:
        raise KeysUnavailable("garbled")
    return results
