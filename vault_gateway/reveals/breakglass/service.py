"""Asking for a break-glass reveal, approving it, and looking at what was asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from vault_gateway import metrics
from vault_gateway.access.resources import access_log, break_glass_resource
from vault_gateway.audit.event import NIL_TENANT, Event
from vault_gateway.audit.ledger import Ledger, Unit, refused
from vault_gateway.errors import GatewayError, not_found
from vault_gateway.identity.issuer_store import token_stands
from vault_gateway.ids import new_id, parse_prefixed
from vault_gateway.model import Caller, Clock, Role, Tenant, seconds_left_of_day
from vault_gateway.reveals import grants, machine
from vault_gateway.reveals import store as reveal_store
from vault_gateway.reveals.breakglass import store
from vault_gateway.reveals.breakglass.requests import (
    PREFIX,
    Part,
    Request,
    State,
    about,
    resource_of,
    view_of,
)
from vault_gateway.reveals.breakglass.targets import Target, find_target, target_of_token, target_of_waybill
from vault_gateway.waybills.store.waybills import find_waybill


class BreakGlassService:
    def __init__(self, ledger: Ledger, clock: Clock, *, ttl_s: int, a_day: int) -> None:
        """A request waits `ttl_s` for its approval, and the grant as long for being opened. `a_day`: how often a
        person takes part on one day (UTC), asking or approving."""
        self._ledger = ledger
        self._clock = clock
        self._ttl = timedelta(seconds=ttl_s)
        self._a_day = a_day

    def request(
        self, caller: Caller, waybill_no: str | None, token: str | None, reason: str
    ) -> dict[str, Any]:
        """A responder's request for a parcel's recipient, in whatever state the parcel is, or for one token.
        404 for what is unknown or erased, 429 `break_glass_limit` when the day's quota is used up."""
        event = Event("breakglass.request", purpose=machine.BREAK_GLASS)
        with self._ledger.open(caller) as unit:
            asked = break_glass_resource(
                "new", issuer=caller.principal.issuer or "-", requester=caller.principal.id
            )
            answer = GatewayError("forbidden", 403, "Only a responder may do this.")
            event = replace(event, policies=unit.require(event, asked, answer))
            tenant, target = find_target(unit, waybill_no, token, event)
            now = self._clock()
            request = _request_of(target, _part_of(caller, reason, now), caller, now + self._ttl)
            event = about(event, request)
            self._take_part(unit, event, now)
            store.insert_request(unit.conn, tenant.id, request)
            unit.record(replace(event, detail={"justification": reason}))
        return view_of(request, now)

    def approve(self, caller: Caller, break_glass: str, reason: str) -> dict[str, Any]:
        """Another responder of the same issuer approves: the requester has a grant, `reveal` in the view. 403
        `own_request`, 409 `break_glass_closed` once approved; to anyone else, and once it is expired or its
        requester was revoked, there is no such request."""
        event = Event("breakglass.approve", purpose=machine.BREAK_GLASS)
        with self._ledger.open(caller) as unit:
            located = _locate(unit, break_glass, event, to_approve=True)
            tenant = located.tenant
            # The parcel before the request, as everywhere.
            waybill = grants.lock_parcel(unit, tenant, located.waybill_id)
            request = store.get_request(unit.conn, tenant.id, located.request_id, lock="update")
            event = about(event, request)
            event = replace(event, policies=_require_approver(unit, event, request))
            now = self._clock()
            approver = _part_of(caller, reason, now)
            _require_approvable(unit, event, request, approver, now)
            self._take_part(unit, event, now)
            target = (
                target_of_token(unit, tenant, request.token or "", event)
                if waybill is None
                else target_of_waybill(unit, tenant, waybill, event)
            )
            store.approve(unit.conn, tenant.id, request.id, approver)
            grant = _grant_of(request, target, now, now + self._ttl)
            reveal_store.insert_grant(unit.conn, tenant.id, grant)
            unit.record(replace(event, fields=grant.fields, detail={"justification": reason}))
        metrics.REVEALS.labels("issued").inc()
        return {**view_of(replace(request, approver=approver), now), "reveal": _reveal_view(grant, now)}

    def view(self, caller: Caller, break_glass: str) -> dict[str, Any]:
        event = Event("breakglass.read")
        with self._ledger.open(caller) as unit:
            located = _locate(unit, break_glass, event)
            request = store.get_request(unit.conn, located.tenant.id, located.request_id)
            unit.require(about(event, request), resource_of(request), not_found())
            return self._shown(unit, located.tenant, request)

    def find(
        self, caller: Caller, before: UUID | None, limit: int
    ) -> tuple[list[dict[str, Any]], UUID | None]:
        """Newest first: a responder sees those of the own issuer, an auditor what it was appointed to. Looking is an
        event itself."""
        principal = caller.principal
        event = Event("breakglass.list")
        with self._ledger.open(caller) as unit:
            answer = GatewayError("forbidden", 403, "Only responders and auditors may do this.")
            unit.require(event, access_log(principal.platform, principal.merchant), answer)
            if principal.platform is not None and principal.merchant is not None:
                # So that it is on record where its own auditors read it.
                unit.enter(Tenant(principal.platform, principal.merchant))
            unit.record(event)
            found = store.find_requests(
                unit.conn,
                issuer=principal.issuer if principal.role is Role.RESPONDER else None,
                platform=principal.platform,
                merchant=principal.merchant,
                before=before,
                limit=limit + 1,
            )
            shown = []
            for request_id, tenant in found[:limit]:
                unit.enter(tenant)
                request = store.get_request(unit.conn, tenant.id, request_id)
                shown.append(self._shown(unit, tenant, request))
        return shown, found[limit - 1][0] if len(found) > limit else None

    def _shown(self, unit: Unit, tenant: Tenant, request: Request) -> dict[str, Any]:
        now = self._clock()
        view = view_of(request, now)
        if request.approver is None:
            return view
        grant = reveal_store.get_grant(unit.conn, tenant.id, request.id, lock="share")
        return {**view, "reveal": _reveal_view(grant, now)}

    def _take_part(self, unit: Unit, event: Event, now: datetime) -> None:
        if not store.take_part(unit.conn, unit.caller.principal.id, now.date(), self._a_day):
            answer = GatewayError(
                "break_glass_limit",
                429,
                "You took part as often as one may on a day.",
                retry_after=seconds_left_of_day(now),
            )
            raise refused(event, answer, reason="break_glass_limit", policies=tuple(event.policies))


def _locate(unit: Unit, break_glass: str, event: Event, *, to_approve: bool = False) -> store.Located:
    """Where a request is, with its tenant entered. What is not there takes as long as what is another issuer's."""
    request_id = parse_prefixed(PREFIX, break_glass)
    located = None if request_id is None else store.locate_request(unit.conn, request_id)
    if located is None:
        unit.enter_nobody()
        if to_approve:
            find_waybill(unit.conn, NIL_TENANT, NIL_TENANT, lock="share")
        store.find_request(unit.conn, NIL_TENANT, NIL_TENANT, lock="update" if to_approve else None)
        unit.decide("breakglass.read", break_glass_resource("-", issuer="-", requester="-"))
        raise refused(event, not_found(), reason="unknown_break_glass")
    unit.enter(located.tenant)
    return located


def _require_approver(unit: Unit, event: Event, request: Request) -> tuple[str, ...]:
    """Whoever asked hears why it may not approve; to anyone else whom the policies refuse there is nothing."""
    decision = unit.decide(event.action, resource_of(request))
    if decision.allowed:
        return decision.policies
    answer = not_found()
    if decision.reason is not None and unit.decide("breakglass.read", resource_of(request)).allowed:
        answer = GatewayError(decision.reason, 403, "What one asked for, another approves.")
    raise refused(event, answer, reason=decision.reason or "not_yours", policies=decision.policies)


def _require_approvable(unit: Unit, event: Event, request: Request, approver: Part, now: datetime) -> None:
    policies = tuple(event.policies)
    if request.approver is not None:
        answer = GatewayError("break_glass_closed", 409, "This request was approved before.")
        raise refused(event, answer, reason="approved_before", policies=policies)
    if request.state_at(now) is State.EXPIRED:
        raise refused(event, not_found(), reason="expired", policies=policies)
    # Asked of the database, not of the edge's memory of who was admitted a moment ago.
    for who, part in (("requester", request.requester), ("approver", approver)):
        if not token_stands(unit.conn, request.issuer, part.jti):
            raise refused(event, not_found(), reason=f"{who}_revoked", policies=policies)


def _part_of(caller: Caller, reason: str, now: datetime) -> Part:
    jti = caller.principal.jti
    assert jti is not None, "no responder is admitted without"
    return Part(caller.principal.id, jti, reason, now)


def _request_of(target: Target, requester: Part, caller: Caller, expires_at: datetime) -> Request:
    assert caller.principal.issuer is not None, "a responder comes by JWT"
    waybill = target.waybill
    return Request(
        id=new_id(requester.at),
        waybill_id=None if waybill is None else waybill.id,
        waybill_no=None if waybill is None else waybill.waybill_no,
        orders=() if waybill is None else waybill.orders,
        carrier=None if waybill is None else waybill.carrier,
        token=target.token,
        issuer=caller.principal.issuer,
        requester=requester,
        expires_at=expires_at,
    )


def _grant_of(request: Request, target: Target, now: datetime, expires_at: datetime) -> machine.Grant:
    return machine.Grant(
        id=request.id,
        waybill_id=request.waybill_id,
        waybill_no=request.waybill_no,
        orders=request.orders,
        carrier=request.carrier,
        holder=request.requester.principal,
        principal=request.requester.principal,
        purpose=machine.BREAK_GLASS,
        fields=target.fields,
        tokens=target.tokens,
        state=machine.State.ISSUED,
        public_key=None,
        released=0,
        ack_digests=(),
        issued_at=now,
        expires_at=expires_at,
        issuer=request.issuer,
    )


def _reveal_view(grant: machine.Grant, now: datetime) -> dict[str, Any]:
    """The grant's state, without what the request tells already."""
    shown = grants.view_of(grant, now)
    return {name: shown[name] for name in ("reveal_id", "fields", "state", "released", "expires_at")}
