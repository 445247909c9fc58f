"""Waybills and couriers: make, list, move."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from vault_gateway.client import reading
from vault_gateway.client.answers import Courier, ItemError, Recipient, Segment, Waybill
from vault_gateway.client.transport import Transport, segment

LabelSize = Literal["76x130", "100x180"]


@dataclass(frozen=True, slots=True)
class Order:
    """What a waybill is asked for. Without `waybill_no` a number of the merchant's segment is taken, of `branch`
    where it has several; `relay` asks for a number that stands for the recipient's phone."""

    network: str
    carrier: str
    recipient: Recipient
    order: str | None = None
    sender: Recipient | None = None
    waybill_no: str | None = None
    relay: bool = False
    branch: str | None = None

    def to_json(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "network": self.network,
            "carrier": self.carrier,
            "recipient": self.recipient.to_json(),
        }
        if self.order is not None:
            body["order"] = self.order
        if self.sender is not None:
            body["sender"] = self.sender.to_json()
        if self.waybill_no is not None:
            body["waybill_no"] = self.waybill_no
        if self.relay:
            body["relay"] = True
        if self.branch is not None:
            body["branch"] = self.branch
        return body


class Waybills:
    def __init__(self, http: Transport, tenant: Mapping[str, str]) -> None:
        self._http = http
        self._tenant = tenant

    def create(self, order: Order) -> Waybill:
        return reading.waybill(self._http.create("/v1/waybills", {**self._tenant, **order.to_json()}))

    def create_many(self, orders: Sequence[Order], *, merge: bool = False) -> list[Waybill | ItemError]:
        """A waybill for each order, or why there is none, in order. Up to 1,000 orders. With `merge` those that are
        the same in all but their references, recipient and sender by match, get one waybill together."""
        body: dict[str, Any] = {**self._tenant, "items": [order.to_json() for order in orders]}
        if merge:
            body["merge"] = True
        answer = self._http.create("/v1/waybills", body)
        return [reading.item(one, reading.waybill) for one in answer["items"]]

    def get(self, waybill_no: str) -> Waybill:
        return reading.waybill(self._http.get(f"/v1/waybills/{segment(waybill_no)}"))

    def list(
        self,
        *,
        state: str | None = None,
        since: datetime | None = None,
        order: str | None = None,
        mine: bool = False,
    ) -> Iterator[Waybill]:
        """Newest first. `mine`: a courier's own parcels."""
        query = dict(self._tenant)
        if state is not None:
            query["state"] = state
        if since is not None:
            query["since"] = since.isoformat()
        if order is not None:
            query["order"] = order
        if mine:
            query["courier"] = "me"
        return map(reading.waybill, self._http.pages("/v1/waybills", query))

    def label(
        self,
        waybill_no: str,
        format_: Literal["pdf", "png", "zpl"] = "pdf",
        *,
        size: LabelSize = "76x130",
        dpi: Literal[203, 300] | None = None,
    ) -> bytes:
        """A file for a printer. `dpi` is of png and zpl. Nothing is opened for it; it is written to the access log."""
        query = {"size": size} if dpi is None else {"size": size, "dpi": str(dpi)}
        path = f"/v1/waybills/{segment(waybill_no)}/label.{format_}"
        return b"".join(self._http.stream(path, query))

    def labels(self, waybill_nos: Sequence[str], *, size: LabelSize = "76x130") -> bytes:
        """One PDF with a page for each of up to 200 numbers, in order: all of them or an ApiError."""
        body = {"waybill_nos": list(waybill_nos), "size": size}
        return b"".join(self._http.stream("/v1/waybills/labels", {}, body))

    def segments(self) -> Sequence[Segment]:
        """What is left of the numbers that were granted the merchant."""
        return [reading.segment(one) for one in self._http.get("/v1/segments", self._tenant)["items"]]

    def cancel(self, waybill_no: str) -> Waybill:
        """Once: after a lost answer `get` tells whether it was carried out."""
        return reading.waybill(self._http.once(f"/v1/waybills/{segment(waybill_no)}/cancel", {}))

    def correct(self, waybill_no: str, recipient: Recipient) -> Waybill:
        """Another recipient, before the carrier has accepted the parcel."""
        body = {"recipient": recipient.to_json()}
        return reading.waybill(self._http.patch(f"/v1/waybills/{segment(waybill_no)}", body))

    def event(
        self,
        waybill_no: str,
        type_: str,
        *,
        courier: str | None = None,
        station: str | None = None,
        deliver_by: datetime | None = None,
        at: datetime | None = None,
    ) -> Waybill:
        """A carrier's event: `accepted`, `in_transit`, `at_station`, `out_for_delivery`, `delivered` ..."""
        body: dict[str, Any] = {"type": type_}
        if courier is not None:
            body["courier"] = courier
        if station is not None:
            body["station"] = station
        if deliver_by is not None:
            body["deliver_by"] = deliver_by.isoformat()
        if at is not None:
            body["at"] = at.isoformat()
        return reading.waybill(self._http.create(f"/v1/waybills/{segment(waybill_no)}/events", body))

    def waiting_at(self, station: str, last4: str) -> Sequence[Waybill]:
        """What waits at the caller's own station for a phone that ends so; the newest hundred."""
        answer = self._http.ask(f"/v1/stations/{segment(station)}/parcels/search", {"last4": last4})
        return [reading.waybill(one) for one in answer["items"]]


class Couriers:
    """A carrier's couriers."""

    def __init__(self, http: Transport) -> None:
        self._http = http

    def register(self, handle: str, *, station: str | None = None, phone: str | None = None) -> Courier:
        """Registers a handle or renews it; the phone is tokenised at once."""
        body = {"handle": handle}
        if station is not None:
            body["station"] = station
        if phone is not None:
            body["phone"] = phone
        answer = self._http.create("/v1/couriers", body)
        return Courier(answer["handle"], answer.get("station"), answer.get("phone"))

    def remove(self, handle: str) -> None:
        self._http.delete(f"/v1/couriers/{segment(handle)}")

    def find(self, *, suspended: bool | None = None, carrier: str | None = None) -> Iterator[Courier]:
        """A carrier's own by handle, fetched page by page, or for an operator those of the `carrier` named."""
        query = {} if carrier is None else {"carrier": carrier}
        if suspended is not None:
            query["suspended"] = "true" if suspended else "false"
        return map(reading.listed_courier, self._http.pages("/v1/couriers", query))

    def resume(self, handle: str, *, carrier: str | None = None) -> None:
        """Lifts a suspension, of a carrier's own courier or, for an operator, of the `carrier` named. Once: after a
        lost answer, `courier_not_suspended` says that it was carried out."""
        self._http.once(
            f"/v1/couriers/{segment(handle)}/resume", {} if carrier is None else {"carrier": carrier}
        )


class Routes:
    """A carrier's routing codes."""

    def __init__(self, http: Transport) -> None:
        self._http = http

    def replace(self, carrier: str, table: bytes) -> tuple[int, int]:
        """Puts a CSV table (`province,city,district,township,code`) in the place of the one before; the new version
        and how many rows it has. One wrong row is an ApiError, and nothing changes."""
        answer = self._http.upload(f"/v1/carriers/{segment(carrier)}/routes", table, "text/csv")
        return answer["version"], answer["rows"]
