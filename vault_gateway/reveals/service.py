"""The reveals room's front: one method for each thing that a caller may ask for."""

from __future__ import annotations

from typing import Any

from vault_gateway.idempotency import RequestKey
from vault_gateway.model import Caller, Clock
from vault_gateway.reveals.claiming import Claimer
from vault_gateway.reveals.closing import Closer
from vault_gateway.reveals.grants import reveal_text, view_of
from vault_gateway.reveals.issuing import Issuer, RevealRequest


class RevealService:
    def __init__(self, issuer: Issuer, claimer: Claimer, closer: Closer, clock: Clock) -> None:
        self._issuer = issuer
        self._claimer = claimer
        self._clock = clock
        self.claim = claimer.claim
        self.acknowledge = closer.acknowledge
        self.revoke = closer.revoke
        self.view = closer.view

    def issue(
        self, caller: Caller, wanted: RevealRequest, key: RequestKey | None, *, claim: bool
    ) -> dict[str, Any]:
        """The grant's view; with `claim` the claim's answer. A claim's answer is stored nowhere: repeated with
        the same key, the request names the same grant, and that is claimed again as far as it can be."""
        grant, attempt = self._issuer.issue(caller, wanted, key, claim=claim)
        if attempt is not None:
            return self._claimer.open(attempt)
        if claim:
            return self.claim(caller, reveal_text(grant.id), wanted.public_key)
        return view_of(grant, self._clock())
