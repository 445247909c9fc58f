"""A parcel's number through the parcel's life: bound, extended, settled, released.

Other rooms call in with the transaction they hold, so that a parcel and its number change together. Nothing here
decides who may ask: the waybills room does, for it knows the parcel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from vault_gateway import metrics
from vault_gateway.audit.ledger import Unit
from vault_gateway.database import enter_tenant
from vault_gateway.errors import GatewayError
from vault_gateway.ids import base32, new_id
from vault_gateway.model import Clock, Tenant, rfc3339
from vault_gateway.relay.store import bindings, parties, pool
from vault_gateway.relay.store.bindings import Binding, Phone
from vault_gateway.relay.store.pool import RelayNumber
from vault_gateway.retention import RelayPeriods

# No number serves a parcel for longer, however it goes.
LONGEST = timedelta(days=60)
BINDING_PREFIX = "rb_"


@dataclass(frozen=True, slots=True)
class Parcel:
    """What the relay knows of a parcel: whose it is, and the phone that its number reaches."""

    tenant: Tenant
    waybill_id: UUID
    waybill_no: str
    phone: UUID
    # Names of the recipient's region, the narrowest first.
    regions: tuple[str, ...] = ()


class RelayService:
    def __init__(self, clock: Clock, periods: Callable[[], RelayPeriods]) -> None:
        self._clock = clock
        self._periods = periods

    def bind_extensions(
        self, unit: Unit, parcels: Sequence[Parcel], expires_at: datetime | None = None
    ) -> list[Binding | GatewayError]:
        """A number and an extension for each parcel of one tenant, in order; 503 `relay_pool_exhausted` in the
        place of those for which there is none, which fails nothing else."""
        now = self._clock()
        until = expires_at or now + self._periods().on_the_way
        rest = self._periods().cooldown
        placed, without = [], []
        for parcel, number in zip(parcels, self._places(unit, parcels), strict=True):
            if number is None:
                without.append(parcel)
                continue
            binding = new_binding(parcel, "extension", number.number, now, until, rest)
            placed.append((binding, number.digits, Phone(parcel.tenant.id, parcel.phone)))
        made = self._enter(unit, parcels[0].tenant, placed) if placed else {}
        if without:
            bindings.note_exhausted(
                unit.conn, without[0].tenant.id, [parcel.waybill_id for parcel in without], now
            )
            metrics.RELAY_EXHAUSTED.inc(len(without))
        return [made.get(parcel.waybill_id) or exhausted() for parcel in parcels]

    def _enter(
        self, unit: Unit, tenant: Tenant, placed: Sequence[tuple[Binding, int, Phone]]
    ) -> dict[UUID, Binding]:
        made = bindings.insert_extensions(unit.conn, tenant.id, placed)
        bindings.insert_bindings(unit.conn, tenant.id, made)
        return {binding.waybill_id: binding for binding in made}

    def _places(self, unit: Unit, parcels: Sequence[Parcel]) -> list[RelayNumber | None]:
        """A place for each parcel: in its own city, else in its province, else anywhere."""
        places: list[RelayNumber | None] = [None] * len(parcels)
        deepest = max((len(parcel.regions) for parcel in parcels), default=0)
        for level in range(deepest + 1):
            waiting: dict[str | None, list[int]] = {}
            for position, parcel in enumerate(parcels):
                if places[position] is None and level <= len(parcel.regions):
                    region = parcel.regions[level] if level < len(parcel.regions) else None
                    waiting.setdefault(region, []).append(position)
            wanted = {region: len(positions) for region, positions in waiting.items()}
            for region, taken in pool.take_places(unit.conn, "extension", wanted).items():
                for position, number in zip(waiting[region], taken, strict=False):
                    places[position] = number
        return places

    def extend(self, unit: Unit, tenant: Tenant, waybill_id: UUID, due: datetime | None) -> None:
        """The parcel still moves: its number stays for what a delay may take, and until delivery is due."""
        now = self._clock()
        until = now + self._periods().on_the_way
        if due is not None:
            until = max(until, due)
        own = self._own(unit, tenant, waybill_id)
        for binding in own:
            end = min(until, binding.created_at + LONGEST)
            if binding.is_live(now) and binding.expires_at < end:
                self._move(unit, tenant, binding, end)
        self._revive(unit, tenant, own, until)

    def revive(
        self, unit: Unit, tenant: Tenant, waybill_id: UUID, expires_at: datetime | None
    ) -> Binding | None:
        """The parcel's extension lives again where its time has merely run out: until it has rested it is on this
        parcel's label and nobody else's. None for a parcel that has a live one, or none to be had again: one that was
        closed stays so, and so does a pair, whose courier may have changed."""
        own = self._own(unit, tenant, waybill_id)
        if expires_at is None:
            return self._revive(unit, tenant, own, self._clock() + self._periods().on_the_way)
        own = [binding for binding in own if expires_at <= binding.created_at + LONGEST]
        return self._revive(unit, tenant, own, expires_at)

    def _revive(self, unit: Unit, tenant: Tenant, own: Sequence[Binding], until: datetime) -> Binding | None:
        now = self._clock()
        extensions = [binding for binding in own if binding.mode == "extension"]
        if not extensions or any(binding.is_live(now) for binding in extensions):
            return None
        revived = self._ending(extensions[-1], min(until, extensions[-1].created_at + LONGEST))
        return revived if revived.is_live(now) and bindings.move_end(unit.conn, tenant.id, revived) else None

    def settle(self, unit: Unit, tenant: Tenant, waybill_id: UUID, *, arrived: bool) -> None:
        """The parcel's way is over: its number stays for questions after the sale, and no longer. Where it arrived, for
        all of that time; one that was returned reached nobody who would ask."""
        now = self._clock()
        until = now + self._periods().after_sales
        own = self._own(unit, tenant, waybill_id)
        for binding in own:
            end = min(until, binding.created_at + LONGEST)
            if binding.is_live(now) and (arrived or end < binding.expires_at):
                self._move(unit, tenant, binding, end)
        if arrived:
            self._revive(unit, tenant, own, until)

    def end_at(self, unit: Unit, tenant: Tenant, binding: Binding, until: datetime) -> Binding:
        """A live one ends when its owner says, sooner or later than it would have."""
        moved = self._ending(binding, until)
        bindings.move_end(unit.conn, tenant.id, moved)
        return moved

    def release(self, unit: Unit, tenant: Tenant, waybill_id: UUID) -> None:
        """The parcel is no more: whoever dials its number hears so from now on."""
        for binding in self._live(unit, tenant, waybill_id):
            self.release_one(unit, tenant, binding)

    def release_one(self, unit: Unit, tenant: Tenant, binding: Binding) -> Binding:
        """At once. One whose time has run out rests since then, and is not revived any more."""
        now = self._clock()
        released = replace(binding, released=True)
        if binding.is_live(now):
            released = self._ending(released, now)
        bindings.move_end(unit.conn, tenant.id, released)
        return released

    def release_pairs(self, unit: Unit, tenant: Tenant, waybill_id: UUID) -> None:
        for binding in self._live(unit, tenant, waybill_id):
            if binding.mode == "axb":
                self.release_one(unit, tenant, binding)

    def release_pairs_of(
        self, unit: Unit, tenant: Tenant, waybill_id: UUID, side: UUID, recipient: Phone
    ) -> None:
        """Those with a phone of the tenant `side` opposite the recipient: when another courier has the parcel, the
        one before reaches the recipient no more, and the merchant still does. The recipient's own end says nothing
        about whose a pair is: it has the merchant's tenant in all of them."""
        for binding in self._live(unit, tenant, waybill_id):
            if binding.mode == "axb" and any(
                phone.tenant_id == side for phone in parties.ends_of(unit.conn, binding.id) - {recipient}
            ):
                self.release_one(unit, tenant, binding)

    def pair_between(
        self, unit: Unit, tenant: Tenant, waybill_id: UUID, phones: set[Phone]
    ) -> Binding | None:
        """The live pair of these two."""
        for binding in self._live(unit, tenant, waybill_id):
            if binding.mode == "axb" and parties.ends_of(unit.conn, binding.id) == phones:
                return binding
        return None

    def reach(self, unit: Unit, tenant: Tenant, waybill_id: UUID, phone: UUID) -> None:
        """The parcel is for another recipient: its extension reaches that one, and nobody else any more. So does one
        whose time has run out, for it may be revived."""
        self.release_pairs(unit, tenant, waybill_id)
        own = [one.id for one in self._own(unit, tenant, waybill_id) if one.mode == "extension"]
        for binding_id in own:
            bindings.reach(unit.conn, binding_id, phone)
        # Last: a call to the former one that is under way is waited for above, and its trace is here now.
        bindings.forget_callers(unit.conn, own)

    def release_of_phone(self, unit: Unit, phone: Phone) -> None:
        """The phone is erased: nothing connects to it from now on, or from it by a number that knew it. What its
        numbers kept of their callers goes too; they rest like all others, or would be misrouted. One whose time has
        run out is not revived any more."""
        now, of = self._clock(), unit.tenant
        for tenant_id, ids in bindings.open_reaching(unit.conn, phone, now).items():
            enter_tenant(unit.conn, tenant_id)
            bindings.release_all(unit.conn, tenant_id, ids, now, now + self._periods().cooldown)
            bindings.forget_callers(unit.conn, ids)
        if of is not None:
            unit.enter(of)

    def _live(self, unit: Unit, tenant: Tenant, waybill_id: UUID) -> list[Binding]:
        now = self._clock()
        return [binding for binding in self._own(unit, tenant, waybill_id) if binding.is_live(now)]

    def _own(self, unit: Unit, tenant: Tenant, waybill_id: UUID) -> list[Binding]:
        """Those that live, and those whose time has run out and that are nobody else's yet; oldest first."""
        now = self._clock()
        found = bindings.of_waybill(unit.conn, tenant.id, waybill_id, lock=True)
        return [one for one in found if not one.released and now < one.cool_until]

    def _move(self, unit: Unit, tenant: Tenant, binding: Binding, until: datetime) -> None:
        bindings.move_end(unit.conn, tenant.id, self._ending(binding, until))

    def _ending(self, binding: Binding, until: datetime) -> Binding:
        """The rest begins where life ends."""
        return replace(binding, expires_at=until, cool_until=until + self._periods().cooldown)


def new_binding(
    parcel: Parcel, mode: str, number: str, now: datetime, until: datetime, rest: timedelta
) -> Binding:
    return Binding(
        new_id(now), parcel.waybill_id, parcel.waybill_no, mode, number, None, now, until, until + rest
    )


def view_of(binding: Binding) -> dict[str, Any]:
    """`{binding_id, mode, number, extension?, expires_at}`: what a label and a merchant show."""
    view: dict[str, Any] = {
        "binding_id": BINDING_PREFIX + base32(binding.id),
        "waybill_no": binding.waybill_no,
        "mode": binding.mode,
        "number": binding.number,
        "expires_at": rfc3339(binding.expires_at),
    }
    if binding.extension is not None:
        view["extension"] = binding.extension
    return view


def exhausted() -> GatewayError:
    return GatewayError(
        "relay_pool_exhausted",
        503,
        "No relay number is free now; the parcel goes without one.",
        retry_after=60,
    )
