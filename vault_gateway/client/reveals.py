"""Reveals: sealed to a key that is made for each, opened here, and acknowledged.

A sealed answer that is lost on the way is fetched again by the same request with the same key: the gateway seals
it anew, four times within two minutes at most. An unsealed one goes out once, so it is never asked for twice.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from vault_gateway.client import reading
from vault_gateway.client.answers import ItemError, Reveal, Revealed
from vault_gateway.client.errors import ClientFailure, NotSealedToUs
from vault_gateway.client.transport import Transport, segment
from vault_gateway.reveals.seal import unseal


class Reveals:
    def __init__(self, http: Transport) -> None:
        self._http = http

    def open(
        self,
        waybill_no: str,
        purpose: str = "deliver",
        *,
        fields: Sequence[str] | None = None,
        sealed: bool = True,
        acknowledge: bool = True,
    ) -> Revealed:
        """Issues a grant, claims it and acknowledges it: what a courier at the door needs."""
        key = X25519PrivateKey.generate() if sealed else None
        body = {**_wanted(waybill_no, purpose, fields, key), "claim": True}
        answer = self._http.create("/v1/reveals", body, repeatable=sealed)
        revealed = opened(answer, key)
        return self._acknowledged(revealed) if acknowledge else revealed

    def open_many(self, waybill_nos: Sequence[str], purpose: str = "deliver") -> list[Revealed | ItemError]:
        """Up to 20 at once, sealed to one key, each with its own outcome, in order."""
        key = X25519PrivateKey.generate()
        items = [_wanted(waybill_no, purpose, None, key) for waybill_no in waybill_nos]
        answer = self._http.create("/v1/reveals", {"items": items, "claim": True})
        answers = [reading.item(one, lambda body: opened(body, key)) for one in answer["items"]]
        return [
            replace(one, waybill_no=waybill_no) if isinstance(one, ItemError) else self._acknowledged(one)
            for one, waybill_no in zip(answers, waybill_nos, strict=True)
        ]

    def issue(
        self,
        waybill_no: str,
        purpose: str = "deliver",
        *,
        fields: Sequence[str] | None = None,
        key: X25519PrivateKey | None = None,
    ) -> Reveal:
        """A grant alone, to be claimed by `claim` with the same `key`."""
        return reading.reveal(self._http.create("/v1/reveals", _wanted(waybill_no, purpose, fields, key)))

    def claim(self, reveal_id: str, key: X25519PrivateKey | None = None) -> Revealed:
        """Opens a grant, not acknowledged yet. Without a key the answer comes unsealed, and once."""
        path = f"/v1/reveals/{segment(reveal_id)}/claim"
        if key is None:
            return opened(self._http.once(path, {}), None)
        return opened(self._http.ask(path, {"public_key": public_key_text(key)}), key)

    def open_granted(self, reveal_id: str, key: X25519PrivateKey) -> Revealed:
        """Claims a grant and acknowledges it."""
        return self._acknowledged(self.claim(reveal_id, key))

    def acknowledge(self, revealed: Revealed) -> Reveal:
        path = f"/v1/reveals/{segment(revealed.reveal_id)}/ack"
        return reading.reveal(self._http.ask(path, {"ack_code": revealed.ack_code}))

    def revoke(self, reveal_id: str) -> Reveal:
        """Once: after a lost answer `get` tells whether it was carried out."""
        return reading.reveal(self._http.once(f"/v1/reveals/{segment(reveal_id)}/revoke", {}))

    def get(self, reveal_id: str) -> Reveal:
        """The state alone; reading opens nothing."""
        return reading.reveal(self._http.get(f"/v1/reveals/{segment(reveal_id)}"))

    def _acknowledged(self, revealed: Revealed) -> Revealed:
        """The values are here: a failed acknowledgement must not take them from the courier at the door."""
        try:
            self.acknowledge(revealed)
        except ClientFailure:
            return revealed
        return replace(revealed, acknowledged=True)


def public_key_text(key: X25519PrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def _wanted(
    waybill_no: str, purpose: str, fields: Sequence[str] | None, key: X25519PrivateKey | None
) -> dict[str, Any]:
    body: dict[str, Any] = {"waybill_no": waybill_no, "purpose": purpose}
    if fields is not None:
        body["fields"] = list(fields)
    if key is not None:
        body["public_key"] = public_key_text(key)
    return body


def opened(body: Mapping[str, Any], key: X25519PrivateKey | None) -> Revealed:
    """The values of a claim's answer; raises NotSealedToUs for what was altered or belongs to another reveal."""
    reveal_id = body["reveal_id"]
    if key is None:
        return Revealed(reveal_id, body["fields"], body["ack_code"])
    try:
        payload = unseal(key, reveal_id, body["sealed"])
    except (InvalidTag, KeyError, ValueError):
        raise NotSealedToUs("the sealed answer does not open with our key") from None
    return Revealed(reveal_id, payload["fields"], payload["ack_code"])
