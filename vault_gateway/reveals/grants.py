"""Finding a grant for whoever asks, and speaking of it: in events, in answers, in errors."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from vault_gateway.access.resources import grant_resource
from vault_gateway.audit.event import Event
from vault_gateway.audit.ledger import Unit, refused
from vault_gateway.errors import GatewayError, not_found
from vault_gateway.ids import base32, parse_prefixed
from vault_gateway.model import Tenant
from vault_gateway.reveals import store
from vault_gateway.reveals.machine import Grant, state_at
from vault_gateway.waybills.finding import resource_of
from vault_gateway.waybills.store import Waybill

PREFIX = "rv_"

_DENIALS = {
    "not_out_for_delivery": "The parcel is not out for delivery.",
    "delivery_window_over": "The delivery window is over.",
    "not_at_station": "The parcel is not at the station.",
    "contact_closed": "The parcel has a relay number: call that. The phone is shown after two calls that failed.",
}


def reveal_text(reveal_id: UUID) -> str:
    return PREFIX + base32(reveal_id)


def locate(unit: Unit, reveal: str, event: Event) -> store.Located:
    """Where a reveal is, with its tenant entered; `event` is told as a denial where there is none."""
    reveal_id = parse_prefixed(PREFIX, reveal)
    located = None if reveal_id is None else store.locate_reveal(unit.conn, reveal_id)
    if located is None:
        raise refused(event, not_found(), reason="unknown_reveal")
    unit.enter(located.tenant)
    return located


def open_grant(
    unit: Unit, located: store.Located, event: Event, *, lock: store.Lock, action: str | None = None
) -> Grant:
    """The grant, locked, if the policies let the caller do `action` (the event's, where none is given) with it.
    Anyone else gets what an unknown id gets.

    Whoever wants to know what time has made of a grant reads the clock after this: a release that is under way
    has then either been waited for, or will find that it is too late.
    """
    grant = store.get_grant(unit.conn, located.tenant.id, located.reveal_id, lock=lock)
    resource = grant_resource(
        located.tenant, reveal_text(grant.id), carrier=grant.carrier, holder=grant.holder
    )
    decision = unit.decide(action or event.action, resource)
    if not decision.allowed:
        raise refused(about(event, grant), not_found(), reason="not_yours", policies=decision.policies)
    return grant


def require_reveal(
    unit: Unit, tenant: Tenant, waybill: Waybill, event: Event, purpose: str, now: datetime
) -> tuple[str, ...]:
    """The policies that permit `event.action` for `purpose` now. The caller may read the waybill or holds the
    grant, so it may hear which rule is in the way."""
    context: dict[str, str | int] = {"purpose": purpose, "now": int(now.timestamp())}
    decision = unit.decide(event.action, resource_of(tenant, waybill), context)
    if decision.allowed:
        return decision.policies
    raise refused(
        event,
        forbidden(decision.reason or "forbidden"),
        reason=decision.reason or "not_permitted",
        policies=decision.policies,
    )


def about(event: Event, grant: Grant) -> Event:
    return replace(
        event,
        resource=f"reveal:{reveal_text(grant.id)}",
        waybill=grant.waybill_no,
        order=grant.order_ref,
        carrier=grant.carrier,
        purpose=grant.purpose,
        fields=grant.fields,
    )


def view_of(grant: Grant, now: datetime) -> dict[str, Any]:
    """What everyone sees who may read the grant: no value, and nothing that opens one."""
    return {
        "reveal_id": reveal_text(grant.id),
        "waybill_no": grant.waybill_no,
        "purpose": grant.purpose,
        "fields": list(grant.fields),
        "state": state_at(grant, now).value,
        "released": grant.released,
        "issued_at": rfc3339(grant.issued_at),
        "expires_at": rfc3339(grant.expires_at),
    }


def rfc3339(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def forbidden(code: str) -> GatewayError:
    return GatewayError(code, 403, _DENIALS.get(code, "Your role may not reveal this for that purpose."))


def spent() -> GatewayError:
    return GatewayError("reveal_spent", 409, "This reveal was opened, or can no longer be.")


def closed() -> GatewayError:
    return GatewayError("reveal_closed", 409, "This reveal is over.")
