"""Break-glass: a responder asks, another approves, the first opens."""

from __future__ import annotations

from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from vault_gateway.client import reading
from vault_gateway.client.answers import BreakGlass, Revealed
from vault_gateway.client.reveals import Reveals
from vault_gateway.client.transport import Transport, segment

_PATH = "/v1/break-glass"


class BreakGlasses:
    def __init__(self, http: Transport, reveals: Reveals) -> None:
        self._http = http
        self._reveals = reveals

    def request(self, reason: str, *, waybill_no: str | None = None, token: str | None = None) -> BreakGlass:
        """For a parcel's recipient or for one token. Once: after a lost answer `list` tells whether it was made."""
        named = {"waybill_no": waybill_no, "token": token, "reason": reason}
        body = {name: value for name, value in named.items() if value is not None}
        return reading.break_glass(self._http.once(_PATH, body))

    def approve(self, break_glass_id: str, reason: str) -> BreakGlass:
        """By another responder of the same issuer. Once, like `request`."""
        answer = self._http.once(f"{_PATH}/{segment(break_glass_id)}/approve", {"reason": reason})
        return reading.break_glass(answer)

    def get(self, break_glass_id: str) -> BreakGlass:
        return reading.break_glass(self._http.get(f"{_PATH}/{segment(break_glass_id)}"))

    def list(self) -> Iterator[BreakGlass]:
        """Newest first, fetched page by page: of the responder's issuer, or of an auditor's appointment."""
        return map(reading.break_glass, self._http.pages(_PATH, {}))

    def open(self, approved: BreakGlass) -> Revealed:
        """By the one who asked: the values, sealed to a key that is made for this, and acknowledged."""
        if approved.reveal is None:
            raise ValueError("this break-glass is not approved")
        return self._reveals.open_granted(approved.reveal.reveal_id, X25519PrivateKey.generate())
