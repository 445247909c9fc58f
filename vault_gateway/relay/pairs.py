"""AXB: number X between two known phones, in both directions; nobody else gets through.

To know a caller again, X keeps a keyed digest of each of the two phones, made in Vault and different on every X: the
same person behind two numbers cannot be seen from a dump.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from vault_gateway import metrics
from vault_gateway.audit.ledger import Unit
from vault_gateway.errors import GatewayError, unavailable
from vault_gateway.keys import KeysUnavailable, RelayKeys
from vault_gateway.model import Clock
from vault_gateway.relay.service import COOLDOWN, LIVES, Parcel, exhausted, new_binding
from vault_gateway.relay.store import bindings, pool
from vault_gateway.relay.store.bindings import Binding, NoPlace, Phone

_TRIES = 20


@dataclass(frozen=True, slots=True)
class Party:
    """One of the two: the phone as a token, and in plain for as long as the binding is being made."""

    phone: Phone
    plain: bytes

    def __repr__(self) -> str:
        return f"Party({self.phone!r})"


class PairService:
    def __init__(self, keys: RelayKeys, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    def bind(
        self, unit: Unit, parcel: Parcel, a: Party, b: Party, expires_at: datetime | None = None
    ) -> Binding | GatewayError:
        """A number on which neither phone is known yet; 503 `relay_pool_exhausted` where there is none. The
        caller has committed the event that says the two phones were opened."""
        now = self._clock()
        until = expires_at or now + LIVES
        tried: list[str] = []
        made: Binding | None = None
        while made is None and len(tried) < _TRIES:
            place = pool.take_places(unit.conn, "axb", None, 1, other_than=tried)
            if not place:
                break
            binding = new_binding(parcel, "axb", place[0].number, now, until, COOLDOWN)
            try:
                ends = self._ends(binding.number, a, b)
                bindings.insert_pair(unit.conn, parcel.tenant.id, binding, ends)
                made = binding
            except NoPlace:
                tried.append(binding.number)
        for number in tried:
            pool.give_back(unit.conn, number)
        if made is None:
            bindings.note_exhausted(unit.conn, parcel.tenant.id, parcel.waybill_id, now)
            metrics.RELAY_EXHAUSTED.inc()
            return exhausted()
        bindings.insert_binding(unit.conn, parcel.tenant.id, made)
        return made

    def _ends(self, number: str, a: Party, b: Party) -> tuple[tuple[bytes, Phone], tuple[bytes, Phone]]:
        try:
            from_a, from_b = self._keys.caller_digests([(number, a.plain), (number, b.plain)])
        except KeysUnavailable:
            raise unavailable("vault") from None
        return (from_a, b.phone), (from_b, a.phone)
