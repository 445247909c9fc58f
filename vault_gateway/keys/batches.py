"""Batches on transit: cut to what the server takes, joined again in order.

Items come as finished JSON fragments. Everything in them is base64 or a number, so nothing needs escaping,
and formatting bytes is a fifth quicker than building dictionaries for orjson (147 us against 179 us for 300
items).
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Sequence
from typing import Any

from vault_gateway.keys.errors import KeyFault, KeysUnavailable
from vault_gateway.keys.identity import Session
from vault_gateway.keys.server import LONGEST_ARRAY, content

# Without it one bad item turns the whole answer into a 400.
PARTIAL = b'"partial_failure_response_code":200'


def base64(data: bytes) -> bytes:
    return b2a_base64(data, newline=False)


def run(
    session: Session, path: str, options: bytes, items: Sequence[bytes], deadline: float, strings: int = 4
) -> list[dict[str, Any]]:
    """Vault's `batch_results`, one per item and in order. KeysUnavailable where a call fails or miscounts.

    `strings` is how many keys and string values an item has: the server's limit counts them, and
    `batch_items` is for four (ciphertext or plaintext, and context).
    """
    size = min(session.vault.batch_items * 4 // strings, LONGEST_ARRAY)
    results: list[dict[str, Any]] = []
    for start in range(0, len(items), size):
        part = items[start : start + size]
        body = b'{%b,"batch_input":[%b]}' % (options, b",".join(part))
        results += _results(session, path, body, len(part), deadline)
    return results


def _results(session: Session, path: str, body: bytes, count: int, deadline: float) -> list[dict[str, Any]]:
    status, data = session.exchange("POST", path, body, deadline)
    try:
        # Where every item fails Vault answers 400 whatever PARTIAL asks, with the results in it all the same.
        results = content(200 if status == 400 else status, data)["data"]["batch_results"]
    except (KeyFault, KeyError, TypeError):
        # Not an item but the request is wrong: no such key, or more items than the server takes.
        raise KeysUnavailable("garbled" if status == 200 else "refused") from None
    if not isinstance(results, list) or len(results) != count:
        raise KeysUnavailable("garbled")
    return results
