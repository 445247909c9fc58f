"""JSON into the types of `answers`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from vault_gateway.client.answers import (
    AuditEvent,
    BreakGlass,
    BreakGlassApproval,
    BreakGlassReveal,
    Courier,
    ItemError,
    Masked,
    RelayNumber,
    Reveal,
    Segment,
    TokenInfo,
    Tokenized,
    Waybill,
)

Body = Mapping[str, Any]
T = TypeVar("T")


def item(body: Body, read: Callable[[Body], T]) -> T | ItemError:
    """An item of a batch: what was made of it, or why nothing was."""
    if "error" not in body:
        return read(body)
    error = body["error"]
    return ItemError(error["code"], error["detail"], body.get("ref"))


def tokenized(body: Body) -> Tokenized:
    return Tokenized(body["token"], body["kind"], body["masked"], body.get("ref"))


def token_info(body: Body) -> TokenInfo:
    return TokenInfo(
        token=body["token"],
        kind=body["kind"],
        masked=body["masked"],
        origin=body["origin"],
        created_at=_time(body["created_at"]),
        order=body.get("order"),
        region=body.get("region"),
    )


def waybill(body: Body) -> Waybill:
    return Waybill(
        waybill_no=body["waybill_no"],
        network=body["network"],
        carrier=body["carrier"],
        state=body["state"],
        recipient=_masked(body["recipient"]),
        created_at=_time(body["created_at"]),
        updated_at=_time(body["updated_at"]),
        label=body["label"],
        sender=_masked(body["sender"]) if "sender" in body else None,
        order=body.get("order"),
        receipt=body.get("receipt"),
        courier=body.get("courier"),
        station=body.get("station"),
        deliver_by=_time(body["deliver_by"]) if "deliver_by" in body else None,
        routing_code=body.get("routing_code"),
        relay=item(body["relay"], relay_number) if "relay" in body else None,
        orders=_orders(body),
        merged=tuple(body.get("merged", ())),
    )


def relay_number(body: Body) -> RelayNumber:
    return RelayNumber(body["number"], _time(body["expires_at"]), body.get("extension"))


def segment(body: Body) -> Segment:
    return Segment(
        network=body["network"],
        carrier=body["carrier"],
        branch=body["branch"],
        first=body["first"],
        last=body["last"],
        available=body["available"],
        issued=body["issued"],
        cancelled=body["cancelled"],
        recycled=body["recycled"],
        low=body["low"],
        granted_at=_time(body["granted_at"]),
    )


def reveal(body: Body) -> Reveal:
    return Reveal(
        reveal_id=body["reveal_id"],
        waybill_no=body.get("waybill_no"),
        token=body.get("token"),
        purpose=body["purpose"],
        fields=tuple(body["fields"]),
        state=body["state"],
        released=body["released"],
        issued_at=_time(body["issued_at"]),
        expires_at=_time(body["expires_at"]),
    )


def break_glass(body: Body) -> BreakGlass:
    return BreakGlass(
        break_glass_id=body["break_glass_id"],
        state=body["state"],
        requested_by=body["requested_by"],
        reason=body["reason"],
        requested_at=_time(body["requested_at"]),
        expires_at=_time(body["expires_at"]),
        waybill_no=body.get("waybill_no"),
        token=body.get("token"),
        approval=_approval(body["approval"]) if "approval" in body else None,
        reveal=_break_glass_reveal(body["reveal"]) if "reveal" in body else None,
    )


def listed_courier(body: Body) -> Courier:
    since = _time(body["suspended_at"]) if "suspended_at" in body else None
    return Courier(body["handle"], body.get("station"), None, since, body.get("suspended_for"))


def audit_event(body: Body) -> AuditEvent:
    return AuditEvent(
        id=body["id"],
        time=_time(body["time"]),
        actor=body["actor"],
        role=body["role"],
        action=body["action"],
        outcome=body["outcome"],
        policies=tuple(body["policies"]),
        request_id=body["request_id"],
        reason=body.get("reason"),
        resource=body.get("resource"),
        platform=body.get("platform"),
        merchant=body.get("merchant"),
        waybill=body.get("waybill"),
        order=body.get("order"),
        token=body.get("token"),
        tokens=tuple(body.get("tokens", ())),
        orders=_orders(body),
        carrier=body.get("carrier"),
        station=body.get("station"),
        purpose=body.get("purpose"),
        fields=tuple(body.get("fields", ())),
        detail=body.get("detail", {}),
        ip=body.get("ip"),
    )


def _approval(body: Body) -> BreakGlassApproval:
    return BreakGlassApproval(body["approved_by"], body["reason"], _time(body["approved_at"]))


def _break_glass_reveal(body: Body) -> BreakGlassReveal:
    return BreakGlassReveal(
        body["reveal_id"], tuple(body["fields"]), body["state"], body["released"], _time(body["expires_at"])
    )


def _masked(body: Body) -> Masked:
    return Masked(body["name"], body["phone"], body["address"])


def _orders(body: Body) -> tuple[str, ...]:
    """All of them: one is told as `order` alone."""
    return tuple(body.get("orders", [body["order"]] if "order" in body else ()))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
