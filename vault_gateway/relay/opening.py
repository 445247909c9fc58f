"""Opening one phone: the only place of the relay where something becomes readable."""

from __future__ import annotations

from dataclasses import replace

from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Ledger
from vault_gateway.errors import unavailable
from vault_gateway.keys import KeyFault, KeysUnavailable, RelayKeys
from vault_gateway.model import Caller, Tenant
from vault_gateway.relay.store.calls import SealedPhone


def open_phone(
    ledger: Ledger, keys: RelayKeys, who: Caller, tenant: Tenant, phone: SealedPhone, event: Event
) -> bytes:
    """The phone in E.164. `event` says that it is opened and of which parcel, and is committed before this is called;
    what fails is written as its error, and the caller hears 503."""
    try:
        [opened] = keys.decrypt(phone.platform, [phone.item])
        if not isinstance(opened, KeyFault):
            return opened
        reason = "does_not_open"
    except KeysUnavailable as failure:
        reason = f"vault_{failure.reason}"
    with ledger.open(who, tenant) as unit:
        unit.record(replace(event, token=phone.phone.text, tokens=(), outcome="error", reason=reason))
    raise unavailable("vault")
