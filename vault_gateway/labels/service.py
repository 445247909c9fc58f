"""What a label says, read from rows: no value is opened to print one, and no key is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Ledger, Unit, refused
from vault_gateway.errors import GatewayError
from vault_gateway.inforce import InForce
from vault_gateway.labels.label import Label, Masked
from vault_gateway.model import Caller, Clock, Tenant
from vault_gateway.networks.verdicts import Networks
from vault_gateway.waybills.finding import about, find
from vault_gateway.waybills.showing import show
from vault_gateway.waybills.states import FINAL
from vault_gateway.waybills.views import Shown, view_of


class LabelService:
    def __init__(self, ledger: Ledger, networks: InForce[Networks], public_url: str, clock: Clock) -> None:
        """`public_url` is where recipients find this gateway; "" makes receipt links relative."""
        self._ledger = ledger
        self._networks = networks
        self._public_url = public_url.rstrip("/")
        self._clock = clock

    def label(self, caller: Caller, waybill_no: str) -> Label:
        """Of a parcel whose way is not over; printing it is an event."""
        with self._ledger.open(caller) as unit:
            _, label, event = self._read(unit, waybill_no)
            unit.record(event)
            return label

    def labels(self, caller: Caller, waybill_nos: Sequence[str]) -> list[Label] | dict[int, GatewayError]:
        """A label for each number, or, if there is one that cannot be printed, the reasons by position. A refusal is
        an event at once; that labels were printed are events only where all of them were."""
        read: list[tuple[Tenant, Label, Event]] = []
        refusals: dict[int, GatewayError] = {}
        for at, waybill_no in enumerate(waybill_nos):
            try:
                with self._ledger.open(caller) as unit:
                    read.append(self._read(unit, waybill_no))
            except GatewayError as refusal:
                refusals[at] = refusal
        if refusals:
            return refusals
        with self._ledger.open(caller) as unit:
            for tenant, _, event in read:
                unit.enter(tenant)
                unit.record(event)
        return [label for _, label, _ in read]

    def _read(self, unit: Unit, waybill_no: str) -> tuple[Tenant, Label, Event]:
        event = Event("waybill.label")
        tenant, waybill, policies = find(unit, waybill_no, event)
        event = about(replace(event, policies=policies), waybill)
        if waybill.state in FINAL:
            answer = GatewayError("illegal_transition", 409, "The parcel's way is over.")
            raise refused(event, answer, reason="illegal_transition")
        [shown] = show(unit, tenant, [waybill], self._clock())
        return tenant, self._label(tenant, shown, unit.caller), event

    def _label(self, tenant: Tenant, shown: Shown, caller: Caller) -> Label:
        waybill, view, networks = shown.waybill, view_of(shown, caller), self._networks()
        network = networks.get(waybill.network)
        number = view.get("relay", {})
        return Label(
            waybill_no=waybill.waybill_no,
            carrier=waybill.carrier
            if network is None
            else network.carriers.get(waybill.carrier, waybill.carrier),
            network=waybill.network if network is None else network.title,
            recipient=Masked(**view["recipient"]),
            sender=Masked(**view["sender"]) if "sender" in view else None,
            call=f"{number['number'].removeprefix('+86')} 转 {number['extension']}"
            if "extension" in number
            else None,
            routing_code=waybill.routing_code,
            receipt=f"{self._public_url}/receipt/{waybill.receipt_code}",
            day=networks.day_of(tenant.platform, waybill.created_at).isoformat(),
            orders=len(waybill.orders),
        )
