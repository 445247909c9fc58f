"""Values encrypted at addresses that somebody chose, for benchmarks and tests that need no gateway around them."""

from __future__ import annotations

from collections.abc import Sequence

from vault_gateway.keys import Address, Ciphertext, Plaintexts, Tokenizer
from vault_gateway.model import Origin


def sealed(tokenizer: Tokenizer, platform: str, items: Sequence[tuple[Address, bytes]]) -> list[Ciphertext]:
    """One ciphertext an item, in order; a call for each merchant among them."""
    answers: dict[int, Ciphertext] = {}
    for tenant_id in {address.tenant_id for address, _ in items}:
        own = [at for at, (address, _) in enumerate(items) if address.tenant_id == tenant_id]
        kinds, tokens = [items[at][0].kind for at in own], [items[at][0].token for at in own]
        values = [items[at][1] for at in own]
        plain = Plaintexts(tenant_id, Origin.MERCHANT, kinds, tokens, values, values)
        closed, _ = tokenizer.seal(platform, plain)
        answers.update((at, Ciphertext(*one)) for at, one in zip(own, closed, strict=True))
    return [answers[at] for at in range(len(items))]
