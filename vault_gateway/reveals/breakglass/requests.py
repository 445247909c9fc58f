"""A break-glass request: what it asks for, who asked, who approved, and what time has made of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from vault_gateway.access import Resource
from vault_gateway.access.resources import break_glass_resource
from vault_gateway.audit.event import Event
from vault_gateway.ids import base32
from vault_gateway.model import rfc3339
from vault_gateway.reveals.machine import BREAK_GLASS

PREFIX = "bg_"


class State(StrEnum):
    REQUESTED = "requested"
    APPROVED = "approved"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Part:
    """What one responder did: by which token, why and when."""

    principal: str
    jti: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Request:
    """Of a parcel's recipient, or of one `token`; the grant that an approval makes has the same id."""

    id: UUID
    waybill_id: UUID | None
    waybill_no: str | None
    orders: tuple[str, ...]
    carrier: str | None
    token: str | None
    issuer: str
    requester: Part
    expires_at: datetime
    approver: Part | None = None

    def state_at(self, now: datetime) -> State:
        if self.approver is not None:
            return State.APPROVED
        return State.REQUESTED if now < self.expires_at else State.EXPIRED


def request_text(request_id: UUID) -> str:
    return PREFIX + base32(request_id)


def resource_of(request: Request) -> Resource:
    return break_glass_resource(
        request_text(request.id), issuer=request.issuer, requester=request.requester.principal
    )


def about(event: Event, request: Request) -> Event:
    return replace(
        event,
        resource=f"break-glass:{request_text(request.id)}",
        waybill=request.waybill_no,
        orders=request.orders,
        carrier=request.carrier,
        token=request.token,
        purpose=BREAK_GLASS,
    )


def view_of(request: Request, now: datetime) -> dict[str, Any]:
    """What responders of the issuer and auditors see: who, why and when; no value, and nothing that opens one."""
    view: dict[str, Any] = {
        "break_glass_id": request_text(request.id),
        "state": request.state_at(now).value,
        "requested_by": request.requester.principal,
        "reason": request.requester.reason,
        "requested_at": rfc3339(request.requester.at),
        "expires_at": rfc3339(request.expires_at),
    }
    view |= {"token": request.token} if request.token is not None else {"waybill_no": request.waybill_no}
    if request.approver is not None:
        view["approval"] = {
            "approved_by": request.approver.principal,
            "reason": request.approver.reason,
            "approved_at": rfc3339(request.approver.at),
        }
    return view
