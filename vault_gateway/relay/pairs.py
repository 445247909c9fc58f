"""AXB: number X between two known phones, in both directions; nobody else gets through.

To know a caller again, X keeps a keyed digest of each of the two phones, made in Vault and different on every X: the
same person behind two numbers cannot be seen from a dump.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from vault_gateway import metrics
from vault_gateway.audit.ledger import Unit
from vault_gateway.errors import GatewayError, unavailable
from vault_gateway.keys import KeysUnavailable, RelayKeys
from vault_gateway.model import Clock
from vault_gateway.relay.service import Parcel, RelayService, exhausted, new_binding
from vault_gateway.relay.store import bindings, pool
from vault_gateway.relay.store.bindings import Binding, NoPlace, Phone
from vault_gateway.retention import RelayPeriods

_TRIES = 20


@dataclass(frozen=True, slots=True)
class Party:
    """One of the two: the phone as a token, and in plain for as long as the binding is being made."""

    phone: Phone
    plain: bytes

    def __repr__(self) -> str:
        return f"Party({self.phone!r})"


# The two callers' digests on a number, each with the phone that it reaches.
Ends = tuple[tuple[bytes, Phone], tuple[bytes, Phone]]


class PairService:
    def __init__(
        self, keys: RelayKeys, relay: RelayService, clock: Clock, periods: Callable[[], RelayPeriods]
    ) -> None:
        self._keys = keys
        self._relay = relay
        self._periods = periods
        self._clock = clock

    def candidates(self, unit: Unit) -> list[str]:
        """Numbers that may take a pair, in any order: two who ask at once seldom wait for each other."""
        numbers = pool.free_numbers(unit.conn, "axb", _TRIES)
        secrets.SystemRandom().shuffle(numbers)
        return numbers

    def ends(self, numbers: Sequence[str], a: Party, b: Party) -> dict[str, Ends]:
        """The pair's ends on each number. Asks Vault, so no transaction is open meanwhile."""
        callers = [(number, party.plain) for number in numbers for party in (a, b)]
        try:
            digests = iter(self._keys.caller_digests(callers) if callers else [])
        except KeysUnavailable:
            raise unavailable("vault") from None
        return {number: ((next(digests), b.phone), (next(digests), a.phone)) for number in numbers}

    def bind(
        self, unit: Unit, parcel: Parcel, ends: Mapping[str, Ends], expires_at: datetime | None = None
    ) -> Binding | GatewayError:
        """The first of these numbers on which neither phone is known yet; 503 `relay_pool_exhausted` where there
        is none. The caller has committed the event that says the two phones were opened."""
        now = self._clock()
        until = expires_at or now + self._periods().on_the_way
        tenant_id = parcel.tenant.id
        for number, two in ends.items():
            binding = new_binding(parcel, "axb", number, now, until, self._periods().cooldown)
            if _enter(unit, tenant_id, binding, two):
                bindings.insert_bindings(unit.conn, tenant_id, [binding])
                return binding
        # Who has a label with a number has a way to call: that there is no pair changes nothing. One whose time has
        # run out is a way again, or whoever ends it would open `contact`; nor does closing it open anything.
        self._relay.revive(unit, parcel.tenant, parcel.waybill_id, None)
        made = bindings.of_waybill(unit.conn, tenant_id, parcel.waybill_id)
        if not any(one.mode == "extension" and one.is_live(now) for one in made):
            bindings.note_exhausted(unit.conn, tenant_id, [parcel.waybill_id], now)
        metrics.RELAY_EXHAUSTED.inc()
        return exhausted()


def _enter(unit: Unit, tenant_id: UUID, binding: Binding, ends: Ends) -> bool:
    """Takes a place and enters both ends, or leaves the number as it was and free for others at once."""
    try:
        with unit.conn.transaction():
            if not pool.take_place(unit.conn, binding.number):
                return False
            bindings.insert_pair(unit.conn, tenant_id, binding, ends)
    except NoPlace:
        return False
    return True
