"""What a caller sees of a waybill: masks for everyone, receipt and order for those whose order it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from vault_gateway.edge import error_item
from vault_gateway.errors import GatewayError
from vault_gateway.model import Caller, Role, rfc3339
from vault_gateway.relay.service import view_of as relay_view
from vault_gateway.relay.store.bindings import Binding
from vault_gateway.waybills.waybill import Party, Waybill

_OWNERS = (Role.PLATFORM, Role.MERCHANT)
# That something was there is on the parcel anyway.
_ERASED = "***"


@dataclass(frozen=True, slots=True)
class Shown:
    """A waybill with the masks of its parties' values by token id; erased ones are missing."""

    waybill: Waybill
    masks: dict[UUID, str]
    # The relay number that lives, or why there is none though one was asked for.
    relay: Binding | GatewayError | None = None
    # In the answer to a batch, the places of the orders that became this one parcel.
    merged: tuple[int, ...] = ()


def view_of(shown: Shown, caller: Caller) -> dict[str, Any]:
    """What `caller` sees of a waybill: masks for everyone, tokens and receipt for those whose order it is."""
    waybill = shown.waybill
    view: dict[str, Any] = {
        "waybill_no": waybill.waybill_no,
        "network": waybill.network,
        "carrier": waybill.carrier,
        "state": waybill.state.value,
        "recipient": _masked(waybill.recipient, shown.masks),
        "created_at": rfc3339(waybill.created_at),
    }
    # Of a new one it is the same time, and times take longer to write than all else.
    unchanged = waybill.updated_at is waybill.created_at
    view["updated_at"] = view["created_at"] if unchanged else rfc3339(waybill.updated_at)
    if waybill.sender is not None:
        view["sender"] = _masked(waybill.sender, shown.masks)
    if waybill.courier is not None:
        view["courier"] = waybill.courier
    if waybill.station is not None:
        view["station"] = waybill.station
    if waybill.deliver_by is not None:
        view["deliver_by"] = rfc3339(waybill.deliver_by)
    if caller.principal.role in _OWNERS:
        view |= _of_owner(shown)
    if waybill.routing_code is not None:
        view["routing_code"] = waybill.routing_code
    if isinstance(shown.relay, GatewayError):
        view["relay"] = error_item(shown.relay)
    elif shown.relay is not None:
        number = relay_view(shown.relay)
        view["relay"] = {
            name: number[name] for name in ("number", "extension", "expires_at") if name in number
        }
    view["label"] = _label(view, len(waybill.orders))
    return view


def _of_owner(shown: Shown) -> dict[str, Any]:
    orders = shown.waybill.orders
    view: dict[str, Any] = {"receipt": shown.waybill.receipt_code}
    if orders:
        view["order"] = orders[0]
    if len(orders) > 1:
        view["orders"] = list(orders)
    if shown.merged:
        view["merged"] = list(shown.merged)
    return view


def _masked(party: Party, masks: dict[UUID, str]) -> dict[str, str]:
    return {
        "name": masks.get(party.name, _ERASED),
        "phone": masks.get(party.phone, _ERASED),
        "address": masks.get(party.address, _ERASED),
    }


def _label(view: dict[str, Any], orders: int) -> dict[str, str]:
    """The lines a label shows: masks, the number, and how many orders are in it where several are."""
    recipient = view["recipient"]
    label = {
        "barcode": view["waybill_no"],
        "recipient": f"{recipient['name']} {recipient['phone']}",
        "address": recipient["address"],
        "carrier": view["carrier"],
    }
    if "routing_code" in view:
        label["routing_code"] = view["routing_code"]
    relay = view.get("relay", {})
    if "extension" in relay:
        label["call"] = f"{relay['number']} {relay['extension']}"
    if orders > 1:
        label["orders"] = str(orders)
    return label
