"""Batches on transit: cut to what the server takes, joined again in order.

Items come as finished JSON fragments. Everything in them is base64 or a number, so nothing needs escaping,
and formatting bytes is a fifth quicker than building dictionaries for orjson (147 us against 179 us for 300
items).
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Sequence
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
    """Items for one path. `strings` is how many keys and string values an item has: the server's limit counts
    them, and `batch_items` is for four (ciphertext or plaintext, and context)."""

    path: str
    options: bytes
    items: Sequence[bytes]
    strings: int = 4

    def parts(self, batch_items: int) -> list[Sequence[bytes]]:
        size = min(batch_items * 4 // self.strings, LONGEST_ARRAY)
        return [self.items[start : start + size] for start in range(0, len(self.items), size)]


def run(session: Session, batches: Sequence[Batch], deadline: float) -> list[list[dict[str, Any]]]:
    """For each batch Vault's `batch_results`, one per item and in order. KeysUnavailable where a call fails or
    miscounts."""
    parts = [
        (at, part) for at, batch in enumerate(batches) for part in batch.parts(session.vault.batch_items)
    ]
    requests = [
        Request("POST", batches[at].path, b'{%b,"batch_input":[%b]}' % (batches[at].options, b",".join(part)))
        for at, part in parts
    ]
    results: list[list[dict[str, Any]]] = [[] for _ in batches]
    for (at, part), (status, data) in zip(parts, session.exchange(requests, deadline), strict=True):
        results[at] += _results(status, data, len(part))
    return results


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
