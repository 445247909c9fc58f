"""What a label says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Masked:
    """A recipient or a sender, as the masks of their tokens show them."""

    name: str
    phone: str
    address: str


@dataclass(frozen=True, slots=True)
class Label:
    """All that is printed. `call` is the relay number and its extension, `receipt` what the QR code says; `orders`
    how many are in the parcel, where there are several; `day` is the platform's on which it was made."""

    waybill_no: str
    carrier: str
    network: str
    recipient: Masked
    receipt: str
    day: str
    sender: Masked | None = None
    routing_code: str | None = None
    call: str | None = None
    orders: int = 1
