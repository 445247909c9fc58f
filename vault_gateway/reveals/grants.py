"""Finding a grant for whoever asks, and speaking of it: in events, in answers, in errors."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from vault_gateway.access import Resource
from vault_gateway.access.resources import break_glass_resource, grant_resource
from vault_gateway.audit.event import NIL_TENANT, Event
from vault_gateway.audit.ledger import Unit, refused
from vault_gateway.database import Lock
from vault_gateway.errors import GatewayError, not_found
from vault_gateway.ids import base32, parse_prefixed
from vault_gateway.model import Tenant, rfc3339
from vault_gateway.reveals import store
from vault_gateway.reveals.breakglass.requests import request_text
from vault_gateway.reveals.machine import Grant, state_at
from vault_gateway.reveals.purposes import KIND_OF_FIELD
from vault_gateway.tokens.ids import token_text
from vault_gateway.waybills.finding import resource_of
from vault_gateway.waybills.store.waybills import find_waybill, get_waybill
from vault_gateway.waybills.waybill import Waybill

PREFIX = "rv_"

_DENIALS = {
    "courier_suspended": "You are suspended. Your carrier can lift that.",
    "not_out_for_delivery": "The parcel is not out for delivery.",
    "delivery_window_over": "The delivery window is over.",
    "not_at_station": "The parcel is not at the station.",
    "contact_closed": "The parcel has a relay number: call that. The phone is shown after two calls that failed.",
}


_NOBODYS = grant_resource(Tenant("-", "-"), "-", carrier="-", holder="-")


def reveal_text(reveal_id: UUID) -> str:
    return PREFIX + base32(reveal_id)


def locate(
    unit: Unit, reveal: str, event: Event, *, lock: Lock = "update", with_parcel: bool = False
) -> store.Located:
    """Where a reveal is, with its tenant entered; `event` is told as a denial where there is none. `lock` and
    `with_parcel`: what follows for one that is there (see `Unit.enter_nobody`)."""
    reveal_id = parse_prefixed(PREFIX, reveal)
    # What is no id of a reveal is looked for like one that was never given out.
    located = store.enter_reveal(unit.conn, NIL_TENANT if reveal_id is None else reveal_id)
    if located is None:
        if with_parcel:
            find_waybill(unit.conn, NIL_TENANT, NIL_TENANT, lock="share")
        store.find_grant(unit.conn, NIL_TENANT, NIL_TENANT, lock=lock)
        unit.decide("reveal.read", _NOBODYS)
        raise refused(event, not_found(), reason="unknown_reveal")
    unit.tenant = located.tenant
    return located


def lock_parcel(unit: Unit, tenant: Tenant, waybill_id: UUID | None) -> Waybill | None:
    """The parcel, whose state stays until the transaction ends; always before its grants. None where there is none,
    which takes as long."""
    if waybill_id is None:
        return find_waybill(unit.conn, NIL_TENANT, NIL_TENANT, lock="share")
    return get_waybill(unit.conn, tenant.id, waybill_id, lock="share")


def open_grant(
    unit: Unit, located: store.Located, event: Event, *, lock: Lock, action: str | None = None
) -> Grant:
    """The grant, locked, if the policies let the caller do `action` (the event's, where none is given) with it.
    Anyone else gets what an unknown id gets.

    Whoever wants to know what time has made of a grant reads the clock after this: a release that is under way
    has then either been waited for, or will find that it is too late.
    """
    grant = store.get_grant(unit.conn, located.tenant.id, located.reveal_id, lock=lock)
    decision = unit.decide(
        _action_on(grant, action or event.action), resource_of_grant(located.tenant, grant)
    )
    if not decision.allowed:
        raise refused(about(event, grant), not_found(), reason="not_yours", policies=decision.policies)
    return grant


def resource_of_grant(tenant: Tenant, grant: Grant) -> Resource:
    """The grant as the policies see it: one of break-glass is its request, which has the same id."""
    if grant.is_break_glass:
        assert grant.issuer is not None, "responders come by JWT"
        return break_glass_resource(request_text(grant.id), issuer=grant.issuer, requester=grant.holder)
    assert grant.carrier is not None, "all others are a courier's or a station's"
    return grant_resource(tenant, reveal_text(grant.id), carrier=grant.carrier, holder=grant.holder)


def _action_on(grant: Grant, action: str) -> str:
    """What is done to a grant of break-glass is asked of policies, and told in the log, by names of its own."""
    return action.replace("reveal.", "breakglass.") if grant.is_break_glass else action


def require_reveal(
    unit: Unit, tenant: Tenant, waybill: Waybill, event: Event, purpose: str, now: datetime
) -> tuple[str, ...]:
    """The policies that permit `event.action` for `purpose` now. The caller may read the waybill or holds the
    grant, so it may hear which rule is in the way."""
    decision = unit.decide(event.action, resource_of(tenant, waybill), context_of(purpose, now))
    if decision.allowed:
        return decision.policies
    raise refused(
        event,
        forbidden(decision.reason or "forbidden"),
        reason=decision.reason or "not_permitted",
        policies=decision.policies,
    )


def context_of(purpose: str, now: datetime) -> dict[str, str | int]:
    """What the policies are told of a reveal besides who and what."""
    return {"purpose": purpose, "now": int(now.timestamp())}


def about(event: Event, grant: Grant) -> Event:
    return replace(
        event,
        action=_action_on(grant, event.action),
        resource=f"reveal:{reveal_text(grant.id)}",
        token=_single_token(grant),
        tokens=() if grant.waybill_id is None else tokens_of(grant),
        waybill=grant.waybill_no,
        orders=grant.orders,
        carrier=grant.carrier,
        purpose=grant.purpose,
        fields=grant.fields,
    )


def view_of(grant: Grant, now: datetime) -> dict[str, Any]:
    """What everyone sees who may read the grant: no value, and nothing that opens one."""
    token = _single_token(grant)
    return {
        "reveal_id": reveal_text(grant.id),
        **({"waybill_no": grant.waybill_no} if token is None else {"token": token}),
        "purpose": grant.purpose,
        "fields": list(grant.fields),
        "state": state_at(grant, now).value,
        "released": grant.released,
        "issued_at": rfc3339(grant.issued_at),
        "expires_at": rfc3339(grant.expires_at),
    }


def _single_token(grant: Grant) -> str | None:
    """The token that a grant without a waybill is for."""
    return None if grant.waybill_id is not None else tokens_of(grant)[0]


def tokens_of(grant: Grant) -> tuple[str, ...]:
    """The tokens that a grant opens. Each is of one field, or of several that are parts of one value."""
    kinds = dict.fromkeys(KIND_OF_FIELD[field] for field in grant.fields)
    return tuple(token_text(kind, token) for kind, token in zip(kinds, grant.tokens, strict=True))


def forbidden(code: str) -> GatewayError:
    return GatewayError(code, 403, _DENIALS.get(code, "Your role may not reveal this for that purpose."))


def spent() -> GatewayError:
    return GatewayError("reveal_spent", 409, "This reveal was opened, or can no longer be.")


def closed() -> GatewayError:
    return GatewayError("reveal_closed", 409, "This reveal is over.")
