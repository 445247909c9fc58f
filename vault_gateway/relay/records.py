"""Call records: what a telecom says became of a call. Duplicates, disorder and repeats are normal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from vault_gateway.access.resources import relay_number
from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Ledger, Unit, refused
from vault_gateway.database import Row
from vault_gateway.errors import GatewayError, not_found, unavailable
from vault_gateway.keys import KeysUnavailable, RelayKeys
from vault_gateway.model import Caller, Clock, Tenant
from vault_gateway.relay.opening import open_phone
from vault_gateway.relay.store import bindings, calls
from vault_gateway.relay.store.calls import SealedPhone

_CLOCK_SKEW = timedelta(minutes=5)
# What unlocks `contact`: so many failed calls from the courier's registered phone, in so long.
FAILURES = 2
FAILURES_WITHIN = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Record:
    """`type` is start, ring, answer, end or failed."""

    call_id: str
    type: str
    at: datetime
    reason: str | None = None


class RecordService:
    def __init__(self, ledger: Ledger, keys: RelayKeys, clock: Clock) -> None:
        self._ledger = ledger
        self._keys = keys
        self._clock = clock

    def take(self, who: Caller, record: Record) -> None:
        """Keeps a record once; a repeated one is nothing new. 404 for a call that is not the telecom's own.

        Of a failed call it is found out whether the courier's registered phone made it: that, and not what the
        courier says, may unlock `contact`. A message that was not delivered says nothing: many phones take none.
        """
        now = self._clock()
        if record.at > now + _CLOCK_SKEW:
            raise GatewayError("event_in_future", 422, "An event cannot happen in the future.")
        event = Event("relay.record", detail={"type": record.type, "call": record.call_id})
        with self._ledger.open(who) as unit:
            row = calls.get_call(unit.conn, who.principal.id, record.call_id)
            if row is None:
                raise refused(event, not_found(), reason="unknown_call")
            policies = unit.require(event, relay_number(row["number"], row["telecom"]), not_found())
            unit.enter(Tenant(row["platform"], row["merchant"]))
            calls.insert_record(
                unit.conn, who.principal.id, record.call_id, record.type, record.reason, record.at, now
            )
            if record.type != "failed" or row["medium"] != "voice" or row["by_courier"] is not None:
                return
            courier = calls.courier_of(unit.conn, row["waybill_id"])
            if courier is None:
                calls.set_by_courier(unit.conn, who.principal.id, record.call_id, by_courier=False)
                return
            event = replace(event, policies=policies, waybill=row["waybill_no"], fields=("phone",))
            unit.record(replace(event, token=courier.phone.text))
        self._compare(who, record.call_id, row, courier, event)

    def _compare(self, who: Caller, call_id: str, row: Row, courier: SealedPhone, event: Event) -> None:
        tenant = Tenant(row["platform"], row["merchant"])
        phone = open_phone(self._ledger, self._keys, who, tenant, courier, event)
        try:
            same = self._keys.caller_digests([(row["number"], phone)]) == [row["caller"]]
        except KeysUnavailable:
            # The telecom repeats what was not taken, and then it is found out.
            raise unavailable("vault") from None
        with self._ledger.open(who) as unit:
            calls.set_by_courier(unit.conn, who.principal.id, call_id, by_courier=same)


def contact_is_open(
    unit: Unit, tenant: Tenant, waybill_id: UUID, handed_over_at: datetime, now: datetime
) -> bool:
    """May the courier who has the parcel since `handed_over_at` see the phone? Where the parcel never had a number,
    or there was none to have since its last one ended, or two calls to it failed from this courier's own phone. Ending
    or deleting a binding opens nothing."""
    made = bindings.of_waybill(unit.conn, tenant.id, waybill_id)
    if not made:
        return True
    exhausted_at = bindings.exhausted_at(unit.conn, tenant.id, waybill_id)
    if exhausted_at is not None and all(not binding.is_live(exhausted_at) for binding in made):
        return True
    failed = calls.failed_by_courier(unit.conn, waybill_id, handed_over_at, now - FAILURES_WITHIN)
    return failed >= FAILURES
