"""The thread that sends what waits: one notice at a time, each at least once, with the same id however often.

A try is a lease (nobody else takes the notice meanwhile), a look at the parcel as it is now, the audit row that says
the phone is opened, and only then the phone itself, for as long as the provider's answer takes. Whoever dies in
between leaves the notice to be taken again.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import structlog

from vault_gateway import metrics
from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Ledger, Unit
from vault_gateway.database import Database
from vault_gateway.errors import GatewayError
from vault_gateway.identity import store as identity_store
from vault_gateway.inforce import InForce
from vault_gateway.keys import KeyFault, KeysUnavailable, RelayKeys
from vault_gateway.model import Caller, Clock, Principal, Role, Tenant
from vault_gateway.notices import store
from vault_gateway.notices.providers import Message, Outcome, Provider
from vault_gateway.notices.service import public_id
from vault_gateway.notices.store import Notice
from vault_gateway.notices.templates import Template
from vault_gateway.relay.store.calls import SealedPhone, phone_of
from vault_gateway.tokens.phones import split_extension
from vault_gateway.waybills.finding import about, resource_of
from vault_gateway.waybills.states import FINAL
from vault_gateway.waybills.store.waybills import get_waybill

log = structlog.get_logger("vault_gateway.notices")

# Longer than any try takes.
LEASE = timedelta(minutes=2)
# After the first failed try, the second ...; the last is followed by none.
PAUSES = tuple(timedelta(seconds=s) for s in (10, 30, 120, 600, 1800, 3600, 7200, 14_400))
# What a notice becomes that is not tried again, and what its last event says besides that the phone was opened.
_ENDS = {Outcome.SENT: ("sent", None), Outcome.NOWHERE: ("cancelled", "deny")}
_LOOKS_EVERY_S = 1.0
_AFTER_A_FAULT_S = 5.0


class NoticeSender:
    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        keys: RelayKeys,
        templates: InForce[Mapping[str, Template]],
        provider: Provider,
        clock: Clock,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._keys = keys
        self._templates = templates
        self._provider = provider
        self._clock = clock
        self._something_waits = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="notices", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        self._something_waits.set()

    def stop(self) -> None:
        """Returns when the try at hand is over."""
        self._stopped.set()
        self._something_waits.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            pause_s = _LOOKS_EVERY_S
            try:
                while not self._stopped.is_set() and self.send_one():
                    pass
            except GatewayError as error:
                log.warning("notices wait", code=error.code)
                pause_s = _AFTER_A_FAULT_S
            except Exception as error:  # noqa: BLE001 - the thread outlives whatever one notice does to it
                log.error("unexpected error", kind=type(error).__name__)
                metrics.UNEXPECTED.inc()
                pause_s = _AFTER_A_FAULT_S
            self._something_waits.wait(pause_s)
            self._something_waits.clear()

    def send_one(self) -> bool:
        """Tries the notice that has been due for longest; False when none is."""
        now = self._clock()
        with self._database.connection() as conn:
            notice = store.lease(conn, now, now + LEASE)
            tenant = None if notice is None else identity_store.tenant_by_id(conn, notice.tenant_id)
        if notice is None:
            return False
        assert tenant is not None, "a notice has a tenant"
        caller = Caller(notice.sender, public_id(notice), None)
        phone = self._permitted(caller, tenant, notice)
        if phone is not None:
            self._try(caller, tenant, notice, phone)
        return True

    def _permitted(self, caller: Caller, tenant: Tenant, notice: Notice) -> SealedPhone | None:
        """The recipient's phone, after the audit row of its opening; None for a notice that is cancelled, for its
        parcel's way is over, the phone erased, or the sender no longer one who may."""
        event = self._event(notice)
        with self._ledger.open(caller, tenant) as unit:
            waybill = get_waybill(unit.conn, tenant.id, notice.waybill_id, lock="share")
            event = about(event, waybill)
            decision = unit.decide("notice.send", resource_of(tenant, waybill))
            phone = phone_of(unit.conn, tenant, waybill.recipient.phone)
            if waybill.state in FINAL:
                reason = "parcel_over"
            elif not decision.allowed or _is_gone(unit, notice.sender):
                reason = "not_permitted"
            elif phone is None:
                reason = "erased"
            else:
                event = replace(event, fields=("phone",), token=phone.phone.text)
                unit.record(replace(event, policies=decision.policies))
                return phone
            store.close(unit.conn, notice, "cancelled", reason, self._clock())
            unit.record(replace(event, outcome="deny", reason=reason, policies=decision.policies))
        metrics.NOTICES.labels("cancelled").inc()
        return None

    def _try(self, caller: Caller, tenant: Tenant, notice: Notice, phone: SealedPhone) -> None:
        outcome, reason = self._hand_over(notice, phone)
        self._settle(caller, tenant, notice, outcome, reason)

    def _hand_over(self, notice: Notice, phone: SealedPhone) -> tuple[Outcome, str | None]:
        template = self._templates().get(notice.template)
        if template is None or notice.params is None or template.params.keys() != notice.params.keys():
            # The operator has changed the templates since.
            return Outcome.REFUSED, "template_gone"
        text = template.text(notice.language, notice.params)
        try:
            [opened] = self._keys.decrypt(phone.platform, [phone.item])
        except KeysUnavailable as failure:
            return Outcome.LATER, f"vault_{failure.reason}"
        if isinstance(opened, KeyFault):
            return Outcome.REFUSED, "does_not_open"
        number, extension = split_extension(opened.decode())
        if extension is not None:
            return Outcome.NOWHERE, "virtual_number"
        return self._provider.send(Message(public_id(notice), number, text))

    def _settle(
        self, caller: Caller, tenant: Tenant, notice: Notice, outcome: Outcome, reason: str | None
    ) -> None:
        now = self._clock()
        if outcome is Outcome.LATER and notice.tries <= len(PAUSES):
            metrics.NOTICES.labels("later").inc()
            with self._database.connection() as conn:
                store.put_off(conn, notice, reason or "unknown", now + _pause(notice.tries), now)
            return
        state, told_as = _ENDS.get(outcome, ("dead", "error"))
        metrics.NOTICES.labels(state).inc()
        with self._ledger.open(caller, tenant) as unit:
            store.close(unit.conn, notice, state, reason, now)
            if told_as is not None:
                told = replace(self._event(notice), waybill=notice.waybill_no, carrier=notice.carrier)
                unit.record(replace(told, outcome=told_as, reason=reason))

    def _event(self, notice: Notice) -> Event:
        return Event(
            "notice.deliver",
            resource=f"notice:{public_id(notice)}",
            detail={"template": notice.template, "try": notice.tries},
        )


def _pause(tries: int) -> timedelta:
    # Not all at once when a provider is back.
    return PAUSES[tries - 1] * random.uniform(0.8, 1.2)  # noqa: S311 - no secret


def _is_gone(unit: Unit, sender: Principal) -> bool:
    """Has the sender's key been revoked, or the courier been removed, since the notice was asked for?"""
    if sender.role is Role.COURIER and not identity_store.courier_exists(
        unit.conn, sender.carrier or "-", sender.handle or "-"
    ):
        return True
    if not sender.id.startswith("key:"):
        return False
    client = identity_store.client_by_name(unit.conn, sender.id.removeprefix("key:"))
    return client is None or not client["live"]
