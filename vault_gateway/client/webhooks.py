"""Being told of parcels, and knowing that it was the gateway who told."""

from __future__ import annotations

import hashlib
import hmac
import time
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from vault_gateway.client.transport import Transport, segment

_SECRET_PREFIX = "whsec_"  # noqa: S105 -- what stands before one


class NotSigned(ValueError):
    """The event is not the gateway's, or is too old to believe: answer 400 and do nothing."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """`events` None: all. `secret` is there on the one that was just made."""

    webhook_id: str
    url: str
    created_at: datetime
    events: Sequence[str] | None = None
    waiting: int = 0
    dead: int = 0
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ParcelEvent:
    """`id` is the same when an event comes again: keep those of the last day, and do nothing for one you had."""

    id: str
    type: str
    time: datetime
    waybill_no: str
    network: str
    carrier: str
    merchant: str


class Webhooks:
    def __init__(self, http: Transport) -> None:
        self._http = http

    def create(self, url: str, events: Sequence[str] | None = None) -> Webhook:
        body: dict[str, Any] = {"url": url}
        if events is not None:
            body["events"] = list(events)
        return _webhook(self._http.create("/v1/webhooks", body))

    def list(self) -> list[Webhook]:
        return [_webhook(one) for one in self._http.pages("/v1/webhooks", {})]

    def remove(self, webhook_id: str) -> None:
        self._http.delete(f"/v1/webhooks/{segment(webhook_id)}")


def verify(
    body: bytes,
    headers: Mapping[str, str],
    secret: str,
    *,
    tolerance_s: float = 300,
    now: float | None = None,
) -> ParcelEvent:
    """The event in a request to your webhook; NotSigned for anything but one that the gateway signed within
    `tolerance_s`. `body` is the request's as it came: parsed and written anew it has another signature."""
    named = {name.lower(): value for name, value in headers.items()}
    try:
        event_id, timestamp = named["webhook-id"], named["webhook-timestamp"]
        given = named["webhook-signature"].split()
        sent_at, key = int(timestamp), b64decode(secret.removeprefix(_SECRET_PREFIX), validate=True)
        signed = f"{event_id}.{timestamp}.".encode("ascii") + body
    except (KeyError, NotBase64, ValueError):
        raise NotSigned("a header is missing or malformed") from None
    if abs((time.time() if now is None else now) - sent_at) > tolerance_s:
        raise NotSigned("the event is too old, or the clocks differ")
    due = hmac.new(key, signed, hashlib.sha256).digest()
    if not any(hmac.compare_digest(due, found) for found in _signatures(given)):
        raise NotSigned("the signature is not of this secret and this body")
    told = orjson.loads(body)
    return ParcelEvent(
        told["id"],
        told["type"],
        datetime.fromisoformat(told["time"]),
        told["waybill_no"],
        told["network"],
        told["carrier"],
        told["merchant"],
    )


def _signatures(given: Sequence[str]) -> list[bytes]:
    """Of the one version that there is; others are passed over, as the standard asks."""
    found = []
    for one in given:
        version, _, text = one.partition(",")
        if version == "v1":
            try:
                found.append(b64decode(text, validate=True))
            except (NotBase64, ValueError):
                continue
    return found


def _webhook(body: Mapping[str, Any]) -> Webhook:
    return Webhook(
        webhook_id=body["webhook_id"],
        url=body["url"],
        created_at=datetime.fromisoformat(body["created_at"]),
        events=body.get("events"),
        waiting=body.get("waiting", 0),
        dead=body.get("dead", 0),
        secret=body.get("secret"),
    )
