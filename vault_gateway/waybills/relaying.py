"""Relay numbers of parcels: made by those who own the order or hold the parcel, seen and released by the owner."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Ledger, Unit, refused
from vault_gateway.errors import GatewayError, not_found
from vault_gateway.idempotency import RequestKey, earlier_answer, keep_answer
from vault_gateway.ids import parse_prefixed
from vault_gateway.keys import RelayKeys
from vault_gateway.model import Caller, Clock, Role, Tenant
from vault_gateway.relay.opening import open_phone
from vault_gateway.relay.pairs import PairService, Party
from vault_gateway.relay.service import BINDING_PREFIX, LONGEST, RelayService
from vault_gateway.relay.store import bindings, calls, parties
from vault_gateway.relay.store.bindings import Binding
from vault_gateway.relay.store.calls import SealedPhone
from vault_gateway.tokens import store as token_store
from vault_gateway.waybills.creating import parcel_of
from vault_gateway.waybills.finding import about, find, miss
from vault_gateway.waybills.states import FINAL
from vault_gateway.waybills.store.numbers import lives_of
from vault_gateway.waybills.waybill import Waybill

_BIND = Event("relay.bind")
MOST_BINDINGS = 20


class ParcelRelay:
    def __init__(
        self, ledger: Ledger, relay: RelayService, pairs: PairService, keys: RelayKeys, clock: Clock
    ) -> None:
        self._ledger = ledger
        self._relay = relay
        self._pairs = pairs
        self._keys = keys
        self._clock = clock

    def bind_extension(
        self, caller: Caller, waybill_no: str, expires_at: datetime | None, key: RequestKey | None
    ) -> Binding:
        """A number and an extension for whoever holds the label; the parcel's own where there is one that lives, or
        whose time has merely run out. With `expires_at` it ends then."""
        with self._ledger.open(caller) as unit:
            earlier = None if key is None else earlier_answer(unit.conn, key, self._clock)
            tenant, waybill, policies = find(unit, waybill_no, _BIND, lock="update")
            event = about(replace(_BIND, policies=policies, detail={"mode": "extension"}), waybill)
            if earlier is not None:
                return _as_then(unit, event, tenant, waybill, earlier)
            if caller.principal.role is Role.COURIER:
                raise refused(event, _pair_only(), reason="mode_not_allowed")
            self._require_bindable(event, waybill, expires_at)
            live = bindings.live_extensions(unit.conn, tenant.id, [waybill.id], self._clock())
            if waybill.id in live:
                return self._answer(
                    unit, key, self._ending(unit, event, tenant, live[waybill.id], expires_at)
                )
            ends = (waybill.recipient.phone, waybill.recipient.address)
            known = token_store.find_views(unit.conn, tenant.id, ends)
            if waybill.recipient.phone not in known:
                raise refused(event, not_found(), reason="erased")
            bound: Binding | GatewayError | None = self._relay.revive(unit, tenant, waybill.id, expires_at)
            if bound is None:
                self._require_some_left(unit, event, tenant, waybill)
                address = known.get(waybill.recipient.address)
                parcel = parcel_of(tenant, waybill, (address and address["region"]) or {})
                [bound] = self._relay.bind_extensions(unit, [parcel], expires_at)
            unit.record(event)
            if not isinstance(bound, GatewayError):
                return self._answer(unit, key, bound)
        raise bound

    def bind_pair(
        self, caller: Caller, waybill_no: str, expires_at: datetime | None, key: RequestKey | None
    ) -> Binding:
        """A number between the recipient and the courier's registered phone, or the merchant's service number:
        the live one where there is one already, which with `expires_at` ends then. Both phones are opened to know the
        callers again, after the event that says so is committed."""
        with self._ledger.open(caller) as unit:
            earlier = None if key is None else earlier_answer(unit.conn, key, self._clock)
            tenant, waybill, policies = find(unit, waybill_no, _BIND, lock="share")
            event = about(replace(_BIND, policies=policies, detail={"mode": "axb"}), waybill)
            if earlier is not None:
                return _as_then(unit, event, tenant, waybill, earlier)
            self._require_bindable(event, waybill, expires_at)
            own = _own_phone(unit, caller, tenant, waybill)
            recipient = calls.phone_of(unit.conn, tenant, waybill.recipient.phone)
            if own is None or recipient is None:
                raise refused(event, _no_phone(), reason="phone_missing")
            phones = {own.phone, recipient.phone}
            live = self._relay.pair_between(unit, tenant, waybill.id, phones)
            if live is not None:
                return self._answer(unit, key, self._ending(unit, event, tenant, live, expires_at))
            self._require_some_left(unit, event, tenant, waybill)
            event = replace(event, fields=("phone",), tokens=(own.phone.text, recipient.phone.text))
            unit.record(event)
            numbers = self._pairs.candidates(unit)
        a, b = (
            Party(one.phone, open_phone(self._ledger, self._keys, caller, tenant, one, event))
            for one in (own, recipient)
        )
        ends = self._pairs.ends(numbers, a, b)
        with self._ledger.open(caller) as unit:
            # Again, for the parcel may have moved on while the phones were opened.
            earlier = None if key is None else earlier_answer(unit.conn, key, self._clock)
            tenant, now_is, _ = find(unit, waybill_no, _BIND, lock="update")
            if earlier is not None:
                return _as_then(unit, event, tenant, now_is, earlier)
            if (now_is.courier, now_is.recipient) != (waybill.courier, waybill.recipient):
                raise refused(event, not_found(), reason="moved_meanwhile")
            self._require_bindable(event, now_is, expires_at)
            live = self._relay.pair_between(unit, tenant, waybill.id, phones)
            if live is not None:
                return self._answer(unit, key, self._ending(unit, event, tenant, live, expires_at))
            self._relay.release_pairs_of(unit, tenant, waybill.id, own.phone.tenant_id, recipient.phone)
            bound = self._pairs.bind(unit, parcel_of(tenant, now_is, {}), ends, expires_at)
            if not isinstance(bound, GatewayError):
                return self._answer(unit, key, bound)
        raise bound

    def _answer(self, unit: Unit, key: RequestKey | None, binding: Binding) -> Binding:
        """Kept with what it tells of, so that a repeated request gets it. That there was no number is not kept: a later
        try may find one."""
        if key is not None:
            told = {"id": str(binding.id), "expires_at": binding.expires_at.isoformat()}
            keep_answer(unit.conn, key, told, self._clock)
        return binding

    def _ending(
        self, unit: Unit, event: Event, tenant: Tenant, live: Binding, expires_at: datetime | None
    ) -> Binding:
        """The live one, ending when it is wished to."""
        if expires_at is None or expires_at == live.expires_at:
            return live
        if expires_at > live.created_at + LONGEST:
            raise _end_invalid()
        unit.record(replace(event, fields=(), tokens=()))
        return self._relay.end_at(unit, tenant, live, expires_at)

    def view(self, caller: Caller, binding: str) -> tuple[Binding, list[dict[str, object]]]:
        """A binding of the caller's own parcel with its calls: when, by which medium, for how many seconds."""
        with self._ledger.open(caller) as unit:
            _, found = self._find(unit, binding, Event("relay.read"))
            return found, calls.of_binding(unit.conn, found.id)

    def release(self, caller: Caller, binding: str) -> None:
        """Closes a number at once; it rests, and unlocks nothing."""
        with self._ledger.open(caller) as unit:
            event = Event("relay.release", resource=f"binding:{binding}")
            tenant, found = self._find(unit, binding, event, lock=True)
            if not found.released:
                self._relay.release_one(unit, tenant, found)
            unit.record(replace(event, waybill=found.waybill_no))

    def _find(self, unit: Unit, text: str, event: Event, *, lock: bool = False) -> tuple[Tenant, Binding]:
        binding_id = parse_prefixed(BINDING_PREFIX, text)
        event = event if binding_id is not None else replace(event, resource=None)
        waybill_no = None if binding_id is None else bindings.waybill_no_of(unit.conn, binding_id)
        if binding_id is None or waybill_no is None:
            lives_of(unit.conn, "")
            miss(unit)
            raise refused(event, not_found(), reason="unknown_binding")
        tenant, waybill, _ = find(unit, waybill_no, event)
        found = bindings.get_binding(unit.conn, tenant.id, binding_id, lock=lock)
        if found is None or found.waybill_id != waybill.id:
            raise refused(about(event, waybill), not_found(), reason="unknown_binding")
        return tenant, found

    def _require_bindable(self, event: Event, waybill: Waybill, expires_at: datetime | None) -> None:
        if waybill.state in FINAL:
            answer = GatewayError("illegal_transition", 409, "The parcel's way is over.")
            raise refused(event, answer, reason="illegal_transition")
        now = self._clock()
        if expires_at is not None and not now < expires_at <= now + LONGEST:
            raise _end_invalid()

    def _require_some_left(self, unit: Unit, event: Event, tenant: Tenant, waybill: Waybill) -> None:
        """Each number that a parcel had rests for weeks: it cannot have the whole pool one after the other."""
        if len(bindings.of_waybill(unit.conn, tenant.id, waybill.id)) >= MOST_BINDINGS:
            answer = GatewayError(
                "bindings_used_up", 409, "The parcel has had all the numbers that one may have."
            )
            raise refused(event, answer, reason="bindings_used_up")


def _own_phone(unit: Unit, caller: Caller, tenant: Tenant, waybill: Waybill) -> SealedPhone | None:
    """The caller's side of a pair, as somebody else registered it: nobody names a phone here."""
    if caller.principal.role is Role.COURIER:
        return calls.courier_of(unit.conn, waybill.id)
    return parties.service_number_of(unit.conn, tenant)


def _as_then(unit: Unit, event: Event, tenant: Tenant, waybill: Waybill, earlier: dict[str, str]) -> Binding:
    """The binding as the first answer told of it, whatever became of it since."""
    found = bindings.get_binding(unit.conn, tenant.id, UUID(earlier["id"]))
    if found is None or found.waybill_id != waybill.id:
        raise refused(event, not_found(), reason="unknown_binding")
    return replace(found, expires_at=datetime.fromisoformat(earlier["expires_at"]))


def _end_invalid() -> GatewayError:
    return GatewayError(
        "expires_at_invalid", 422, "expires_at is in the next 60 days, and no number serves for more."
    )


def _pair_only() -> GatewayError:
    return GatewayError("mode_not_allowed", 422, "A courier gets a pair: mode axb.")


def _no_phone() -> GatewayError:
    return GatewayError(
        "phone_not_registered",
        422,
        "A pair needs the courier's phone, registered by the carrier, or the merchant's service number.",
    )
